#include "lib/kube/kube_watch_frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/kube_page.h"

static struct strv seen;
static int answer;

static int on_frame(void *arg, enum kube_frame type, struct json *object, struct err *e)
{
	(void)arg;
	AUTO(mem_free) char *text = json_print(object);
	strv_pushf(&seen, "%d %s%s", type, text, kube_frame_ends_list(object) ? " end" : "");
	return answer < 0 ? err_set(e, answer, "refused") : 0;
}

static int teardown(void **state)
{
	(void)state;
	strv_fini(&seen);
	answer = 0;
	return 0;
}

static const char frames[] =
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"1\"}}}\n"
	"{\"object\":{\"a\":\"\\u00e4\"},\"type\":\"MODIFIED\"}\n{\"type\":\"DELETED\",\"object\":{}}"
	"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"annotations\":{"
	"\"k8s.io/initial-events-end\":\"true\"}}}}\r\n"
	"{\"type\":\"ERROR\",\"object\":{\"code\":410}}\n{\"type\":\"NEW\",\"object\":1}\n"
	"{\"type\":\"ADDED\"}\n{\"object\":{}}\n{\"type\":7,\"object\":[]}\n{}\n";

static const char *const expected[] = {
	"0 {\"metadata\":{\"resourceVersion\":\"1\"}}",
	"1 {\"a\":\"\xc3\xa4\"}",
	"2 {}",
	"3 {\"metadata\":{\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}}} end",
	"4 {\"code\":410}",
	"5 1",
	"5 {}",
	"5 []",
};

static void frames_come_in_pieces_of_any_size(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < sizeof(frames); piece++) {
		struct kube_frames *f = kube_frames_new(on_frame, NULL);
		struct err e;
		for (size_t at = 0; at < strlen(frames); at += piece) {
			size_t left = strlen(frames) - at;
			assert_int_equal(
				kube_frames_feed(f, frames + at, left < piece ? left : piece, &e),
				0);
		}
		assert_false(kube_frames_is_inside(f));
		assert_int_equal(seen.len, ARRAY_LEN(expected));
		for (size_t i = 0; i < ARRAY_LEN(expected); i++)
			assert_string_equal(seen.items[i], expected[i]);
		strv_reset(&seen);
		kube_frames_free(f);
	}
}

static int feed(struct kube_frames *f, const char *text, struct err *e)
{
	return kube_frames_feed(f, text, strlen(text), e);
}

static void what_is_no_frame_is_an_error(void **state)
{
	static const char *const texts[] = {"<html>", "{\"type\":}", "{\"object\":\"\\u0000\"}\n"};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct kube_frames *f = kube_frames_new(on_frame, NULL);
		struct err e = {0};
		assert_int_equal(feed(f, texts[i], &e), -EINVAL);
		/* The next stream begins anew. */
		kube_frames_reset(f);
		assert_int_equal(feed(f, "{\"type\":\"ADDED\",\"object\":{}}", &e), 0);
		kube_frames_free(f);
	}
	assert_int_equal(seen.len, ARRAY_LEN(texts));
}

static void a_cut_frame_is_forgotten(void **state)
{
	struct kube_frames *f = kube_frames_new(on_frame, NULL);
	struct err e;
	(void)state;
	assert_int_equal(feed(f, "{\"type\":\"ADDED\",\"object\":{},\"x", &e), 0);
	assert_true(kube_frames_is_inside(f));
	kube_frames_reset(f);
	assert_false(kube_frames_is_inside(f));
	assert_int_equal(feed(f, "{\"type\":\"DELETED\"}", &e), 0);
	assert_int_equal(seen.len, 0);
	kube_frames_free(f);
}

static void a_refusal_ends_the_stream(void **state)
{
	struct kube_frames *f = kube_frames_new(on_frame, NULL);
	struct err e = {0};
	(void)state;
	answer = -ESTALE;
	assert_int_equal(feed(f, frames, &e), -ESTALE);
	assert_int_equal(seen.len, 1);
	kube_frames_free(f);
}

static void an_object_has_a_cap(void **state)
{
	struct kube_frames *f = kube_frames_new(on_frame, NULL);
	struct err e = {0};
	size_t size = 1024 * 1024;
	AUTO(mem_free) char *block = xmalloc(size);
	(void)state;
	memset(block, 'x', size);
	assert_int_equal(feed(f, "{\"type\":\"ADDED\",\"object\":\"", &e), 0);
	/* A Secret of 1 MiB and its base64 pass. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(kube_frames_feed(f, block, size, &e), 0);
	assert_int_equal(feed(f, "\"}", &e), 0);
	assert_int_equal(seen.len, 1);
	assert_int_equal(feed(f, "{\"type\":\"ADDED\",\"object\":\"", &e), 0);
	for (size_t i = 0; i <= KUBE_OBJECT_MAX / size; i++)
		assert_int_equal(kube_frames_feed(f, block, size, &e), 0);
	assert_int_equal(feed(f, "\"}", &e), -EMSGSIZE);
	assert_string_equal(e.msg, "an object of the watch exceeds 8388608 bytes");
	kube_frames_free(f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, teardown)
	const struct CMUnitTest tests[] = {
		TEST(frames_come_in_pieces_of_any_size),
		TEST(what_is_no_frame_is_an_error),
		TEST(a_cut_frame_is_forgotten),
		TEST(a_refusal_ends_the_stream),
		TEST(an_object_has_a_cap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
