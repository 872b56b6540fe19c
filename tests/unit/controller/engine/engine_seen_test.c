#include "controller/engine/engine_seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"

static const struct kube_resource maps = {"", "v1", "configmaps", "ConfigMap", true};

struct row {
	enum kube_verb verb;
	const char *name, *uid, *answer;
	const char *seen; /* NAME UID VERSION; "" = nothing has to be seen */
};

#define OBJECT(more) \
	"{\"metadata\":{\"name\":\"n\",\"uid\":\"u\",\"resourceVersion\":\"7\"" more "}}"

static const struct row rows[] = {
	{KUBE_APPLY, "n", NULL, OBJECT(""), "n u 7"},
	{KUBE_PATCH, "n", NULL, OBJECT(""), "n u 7"},
	{KUBE_CREATE, NULL, NULL, OBJECT(""), "n u 7"},
	{KUBE_DELETE, "n", "u", "{\"kind\":\"Status\"}", "n u gone"},
	{KUBE_DELETE, "n", "u", NULL, "n u gone"},
	{KUBE_DELETE_MANY, NULL, NULL, NULL, ""},
	{KUBE_GET, "n", NULL, OBJECT(""), ""},
	/* It lives on while it has finalizers, and is gone with the last one. */
	{KUBE_PATCH, "n", NULL, OBJECT(",\"deletionTimestamp\":\"t\",\"finalizers\":[\"f\"]"),
		"n u 7"},
	{KUBE_PATCH, "n", NULL, OBJECT(",\"deletionTimestamp\":\"t\""), "n u gone"},
	{KUBE_PATCH, "n", NULL, OBJECT(",\"deletionTimestamp\":\"t\",\"finalizers\":[]"),
		"n u gone"},
};

static bool record(void *arg, const struct engine_write *write)
{
	struct strv *seen = arg;
	assert_ptr_equal(write->resource, &maps);
	assert_string_equal(write->ns, "a");
	strv_pushf(seen, "%s %s %s", write->name, write->uid,
		write->version != NULL ? write->version : "gone");
	return false;
}

static bool always(void *arg, const struct engine_write *write)
{
	(void)arg;
	(void)write;
	return true;
}

static void what_has_to_be_seen_follows_from_the_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		struct err e;
		struct engine_unseen unseen = {0};
		AUTO(strv_fini) struct strv seen = {0};
		const struct engine_step step = {.op = {.verb = row->verb,
							 .target = {&maps, "a", row->name, NULL},
							 .uid = row->uid}};
		AUTO(json_freep)
		struct json *answer = row->answer != NULL
					      ? json_parse(row->answer, strlen(row->answer), &e)
					      : NULL;
		engine_unseen_add(&unseen, &step, answer);
		bool is_left = engine_unseen_check(&unseen, record, &seen);
		assert_int_equal(is_left, row->seen[0] != '\0');
		assert_string_equal(is_left ? seen.items[0] : "", row->seen);
		assert_false(engine_unseen_check(&unseen, always, NULL));
		engine_unseen_fini(&unseen);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_to_be_seen_follows_from_the_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
