#include "lib/control/control_list.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

struct seen {
	struct strv lines;
	struct control_list *list; /* freed at the first device; NULL = it stays */
};

static void on_device(void *arg, const struct control_device *d)
{
	struct seen *seen = arg;
	AUTO(mem_free) char *addresses = strv_join(d->addresses, ",");
	AUTO(mem_free) char *tags = strv_join(d->tags, ",");
	strv_pushf(&seen->lines, "%s %s %s [%s] [%s] %s%s%s", d->id, d->name, d->hostname,
		addresses, tags, d->key_id, d->is_shared ? " shared" : "",
		d->is_online ? " online" : "");
	control_list_free(STEAL(seen->list));
}

/* In pieces of that size; the lines joined by "|", or the error. Caller frees. */
static char *decode(const struct control_driver *driver, const char *text, size_t piece)
{
	struct seen seen = {0};
	struct err e = {0};
	struct control_list *list = control_list_new(driver, on_device, &seen);
	int code = 0;
	size_t len = strlen(text);
	for (size_t at = 0; at < len && code == 0; at += piece)
		code = control_list_feed(list, text + at, len - at < piece ? len - at : piece, &e);
	if (code == 0)
		code = control_list_finish(list, &e);
	assert_int_equal(control_list_count(list), seen.lines.len);
	char *out = code == 0 ? strv_join(&seen.lines, "|") : xasprintf("error: %s", e.msg);
	control_list_free(list);
	strv_fini(&seen.lines);
	return out;
}

struct row {
	const char *text;
	const char *expected; /* "error: " and a part of its sentence */
};

static const struct row v2_rows[] = {
	{"{\"devices\":[]}", ""},
	{"{\"devices\":null}", ""},
	{"{\"x\":{\"devices\":[7]},\"devices\":[]}", ""},
	{"{\"devices\":[{\"id\":\"92\",\"nodeId\":\"n1\",\"name\":\"a.tail.ts.net\",\"hostname\":"
	 "\"a\",\"addresses\":[\"100.64.0.1\",\"fd7a::1\"],\"tags\":[\"tag:k8s\"],"
	 "\"connectedToControl\":true,\"isExternal\":false,\"lastSeen\":{\"any\":[1]}}]}",
		"n1 a.tail.ts.net a [100.64.0.1,fd7a::1] [tag:k8s]  online"},
	{"{\"devices\":[{\"id\":\"92\"},{\"nodeId\":\"n2\",\"isExternal\":true,\"tags\":null}]}",
		"92   [] [] |n2   [] []  shared"},
	{"{\"devices\":[{\"id\":\"\"}]}", "error: devices[0]: a device without an identifier"},
	{"{\"devices\":[{\"id\":\"1\"},{\"id\":1}]}", "error: devices[1]: "},
	{"{\"devices\":[{\"id\":\"1\",\"tags\":\"tag:a\"}]}", "error: devices[0]: tags"},
	{"{\"devices\":[{\"id\":\"1\",\"tags\":[7]}]}", "error: devices[0]: tags"},
	{"{\"devices\":[{\"id\":\"1\",\"isExternal\":\"no\"}]}", "error: devices[0]: isExternal"},
	{"{\"devices\":[7]}", "error: devices[0]: no object"},
	{"{\"devices\":{\"a\":{}}}", "error: devices is not one array"},
	{"{\"devices\":\"none\"}", "error: devices is not one array"},
	{"{\"devices\":[],\"devices\":[]}", "error: devices is not one array"},
	{"{}", "error: no devices in the answer"},
	{"[]", "error: the answer is not one object"},
	{"null", "error: the answer is not one object"},
	{"{\"message\":\"fine\"}", "error: no devices in the answer"},
	{"{\"devices\":[]}{\"devices\":[]}", "error: the answer is not one object"},
	{"<html></html>", "error: "},
	{"{\"devices\":[{\"id\":\"1\"}", "error: "},
	{"", "error: no devices in the answer"},
};

static const struct row v1_rows[] = {
	{"{\"nodes\":[]}", ""},
	{"{\"nodes\":[{\"id\":\"3\",\"name\":\"pg-0\",\"givenName\":\"pg-0-1\",\"ipAddresses\":"
	 "[\"100.64.0.3\"],\"tags\":[\"tag:k8s\"],\"online\":true,\"preAuthKey\":{\"id\":\"9\"},"
	 "\"forcedTags\":[\"tag:no\"]}]}",
		"3 pg-0-1 pg-0 [100.64.0.3] [tag:k8s] 9 online"},
	{"{\"nodes\":[{\"id\":\"3\",\"preAuthKey\":null}]}", "3   [] [] "},
	{"{\"nodes\":[{\"id\":\"0\"}]}", "error: nodes[0]: a node without an identifier"},
	{"{\"nodes\":[{\"id\":3}]}", "error: nodes[0]: "},
	{"{\"devices\":[]}", "error: no nodes in the answer"},
};

static void check_rows(
	const struct control_driver *driver, const struct row *rows, size_t count, size_t piece)
{
	for (size_t i = 0; i < count; i++) {
		AUTO(mem_free) char *got = decode(driver, rows[i].text, piece);
		bool is_error = strncmp(rows[i].expected, "error: ", 7) == 0;
		bool is_same = is_error ? strstr(got, rows[i].expected) == got
					: strcmp(got, rows[i].expected) == 0;
		if (!is_same)
			fail_msg("%s: %s", rows[i].text, got);
	}
}

static void each_answer_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < 300; piece = piece * 3 + 1) {
		check_rows(&control_v2, v2_rows, ARRAY_LEN(v2_rows), piece);
		check_rows(&control_headscale_v1, v1_rows, ARRAY_LEN(v1_rows), piece);
	}
}

/* One item may have 64 KiB; a longer one makes the list one that is not whole. */
static void an_item_has_a_cap(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		AUTO(mem_free) char *filler = xmalloc(CONTROL_ITEM_MAX + 1);
		size_t room = CONTROL_ITEM_MAX - strlen("{\"id\":\"1\",\"name\":\"\"}");
		memset(filler, 'x', room + 1);
		filler[room + (size_t)over] = '\0';
		AUTO(mem_free)
		char *text = xasprintf(
			"{\"devices\":[{\"id\":\"1\",\"name\":\"%s\"},{\"id\":\"2\"}]}", filler);
		AUTO(mem_free) char *got = decode(&control_v2, text, 4096);
		assert_int_equal(strncmp(got, "error: devices[0] has more than", 31) == 0, over);
	}
}

static void a_list_may_be_freed_by_its_reader(void **state)
{
	const char *text = "{\"devices\":[{\"id\":\"1\"},{\"id\":\"2\"}]}";
	struct seen seen = {0};
	struct err e = {0};
	(void)state;
	struct control_list *list = control_list_new(&control_v2, on_device, &seen);
	seen.list = list;
	assert_int_equal(control_list_feed(list, text, strlen(text), &e), -ECANCELED);
	assert_int_equal(seen.lines.len, 1);
	strv_fini(&seen.lines);
}

static void a_list_begins_anew(void **state)
{
	struct seen seen = {0};
	struct err e = {0};
	(void)state;
	struct control_list *list = control_list_new(&control_v2, on_device, &seen);
	assert_true(control_list_feed(list, "{\"devices\":7}", 13, &e) < 0);
	control_list_reset(list);
	assert_int_equal(control_list_feed(list, "{\"devices\":[]}", 14, &e), 0);
	assert_int_equal(control_list_finish(list, &e), 0);
	control_list_free(list);
	control_list_free(NULL);
	strv_fini(&seen.lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_answer_in_pieces_of_any_size),
		cmocka_unit_test(an_item_has_a_cap),
		cmocka_unit_test(a_list_may_be_freed_by_its_reader),
		cmocka_unit_test(a_list_begins_anew),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
