#include "lib/base/buf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"

static void appends_grow_and_terminate(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf b = BUF_INIT(1000);
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_append(&b, "ab\0c", 4, &e), 0);
	assert_int_equal(buf_append_str(&b, "de", &e), 0);
	assert_int_equal(buf_printf(&b, &e, "%03d", 7), 0);
	assert_int_equal(b.len, 9);
	assert_memory_equal(b.data, "ab\0cde007", 10);
	for (int i = 0; i < 90; i++)
		assert_int_equal(buf_append_str(&b, "0123456789", &e), 0);
	assert_int_equal(b.len, 909);
	assert_int_equal(strlen(b.data + 4), 905);
}

static void nothing_can_be_appended(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf b = BUF_INIT(0);
	assert_int_equal(buf_append(&b, NULL, 0, &e), 0);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_append(&b, "x", 1, &e), -EMSGSIZE);
}

static void cap_is_exact_and_failure_changes_nothing(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf b = BUF_INIT(100);
	char text[101];
	memset(text, 'x', sizeof(text));
	assert_int_equal(buf_append(&b, text, 99, &e), 0);
	assert_int_equal(buf_append(&b, text, 2, &e), -EMSGSIZE);
	assert_int_equal(e.code, -EMSGSIZE);
	assert_string_equal(e.msg, "more than 100 bytes");
	assert_int_equal(buf_printf(&b, &e, "%s", "yy"), -EMSGSIZE);
	assert_int_equal(b.len, 99);
	assert_int_equal(b.data[99], '\0');
	assert_int_equal(buf_append(&b, text, 1, &e), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX, &e), -EMSGSIZE);
	assert_int_equal(b.cap, 101);
}

static void sizes_do_not_wrap(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf b = BUF_INIT(SIZE_MAX);
	assert_int_equal(buf_append_str(&b, "x", &e), 0);
	assert_int_equal(buf_reserve(&b, SIZE_MAX - 1, &e), -EMSGSIZE);
	assert_int_equal(buf_reserve(&b, SIZE_MAX, &e), -EMSGSIZE);
	assert_string_equal(buf_cstr(&b), "x");
}

static void consume_drops_the_front(void **state)
{
	(void)state;
	struct err e = {0};
	AUTO(buf_fini) struct buf b = BUF_INIT(100);
	buf_consume(&b, 3);
	assert_int_equal(buf_append_str(&b, "abcdef", &e), 0);
	buf_consume(&b, 2);
	assert_string_equal(buf_cstr(&b), "cdef");
	buf_consume(&b, 99);
	assert_string_equal(buf_cstr(&b), "");
}

static void the_bytes_are_given_away(void **state)
{
	(void)state;
	struct err e = {0};
	struct buf b = BUF_INIT(100);
	AUTO(mem_free) char *empty = buf_take(&b);
	assert_string_equal(empty, "");
	assert_int_equal(buf_append_str(&b, "abc", &e), 0);
	AUTO(mem_free) char *text = buf_take(&b);
	assert_string_equal(text, "abc");
	assert_null(b.data);
	assert_int_equal(b.max, 100);
}

static void reset_wipe_and_fini_leave_it_usable(void **state)
{
	(void)state;
	struct err e = {0};
	struct buf b;
	buf_init(&b, 100);
	buf_reset(&b);
	assert_int_equal(buf_append_str(&b, "secret", &e), 0);
	buf_reset(&b);
	assert_string_equal(buf_cstr(&b), "");
	assert_int_equal(buf_append_str(&b, "again", &e), 0);
	assert_string_equal(buf_cstr(&b), "again");
	buf_wipe(&b);
	buf_wipe(&b);
	assert_int_equal(buf_append_str(&b, "more", &e), 0);
	buf_fini(&b);
	buf_fini(&b);
	assert_null(b.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_grow_and_terminate),
		cmocka_unit_test(nothing_can_be_appended),
		cmocka_unit_test(cap_is_exact_and_failure_changes_nothing),
		cmocka_unit_test(sizes_do_not_wrap),
		cmocka_unit_test(consume_drops_the_front),
		cmocka_unit_test(the_bytes_are_given_away),
		cmocka_unit_test(reset_wipe_and_fini_leave_it_usable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
