#include "lib/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/str.h"

static void set_stores_and_returns(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_set(&e, -ENOENT, "open %s", "x"), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_string_equal(e.msg, "open x");
	err_clear(&e);
	assert_int_equal(e.code, 0);
	assert_string_equal(e.msg, "");
}

static void set_errno_spells_the_code(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(err_set_errno(&e, -ENOENT, "open %s", "x"), -ENOENT);
	assert_string_equal(e.msg, "open x: No such file or directory");
}

static void wrap_puts_words_in_front(void **state)
{
	(void)state;
	struct err e;
	err_set(&e, -EINVAL, "line %d", 3);
	assert_int_equal(err_wrap(&e, "load %s", "file"), -EINVAL);
	assert_int_equal(err_wrap(&e, "start"), -EINVAL);
	assert_string_equal(e.msg, "start: load file: line 3");
}

static void arguments_may_be_the_old_sentence(void **state)
{
	(void)state;
	struct err e;
	err_set(&e, -EINVAL, "inner");
	err_set(&e, -EIO, "outer (%s)", e.msg);
	assert_string_equal(e.msg, "outer (inner)");
}

static void long_sentences_are_cut_in_the_middle(void **state)
{
	(void)state;
	struct err e;
	char text[2 * ERR_MSG_MAX];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&e, -EINVAL, "%s", text);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	err_wrap(&e, "%s", text);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	err_set_errno(&e, -ENOENT, "%s", text);
	assert_int_equal(strlen(e.msg), ERR_MSG_MAX - 1);
	/* Beginning and end stay, and all characters are whole. */
	for (size_t i = 0; i + 4 < sizeof(text); i += 4)
		memcpy(text + i, "\xf0\x9f\x98\x80", 4);
	err_set(&e, -EINVAL, "open %s: why", text);
	assert_true(strlen(e.msg) > ERR_MSG_MAX - 1 - 8);
	assert_memory_equal(e.msg, "open \xf0\x9f\x98\x80", 9);
	assert_string_equal(e.msg + strlen(e.msg) - 5, ": why");
	assert_true(str_is_utf8(e.msg, strlen(e.msg)));
}

static void transient_is_what_heals_by_itself(void **state)
{
	(void)state;
	static const int yes[] = {EAGAIN, EINTR, EBUSY, ETIMEDOUT, ECONNREFUSED, ECONNRESET,
		ECONNABORTED, EPIPE, EHOSTUNREACH, EHOSTDOWN, ENETUNREACH, ENETDOWN, EADDRNOTAVAIL,
		ENOBUFS, ENOMEM, EMFILE, ESTALE};
	static const int no[] = {EINVAL, ENOENT, EACCES, EPERM, EMSGSIZE, ENOSPC, EIO, ENOTSUP,
		EPROTO, EADDRINUSE, ECANCELED};
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		assert_true(err_is_transient(-yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		assert_false(err_is_transient(-no[i]));
	assert_false(err_is_transient(0));
	assert_false(err_is_transient(EAGAIN));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_stores_and_returns),
		cmocka_unit_test(set_errno_spells_the_code),
		cmocka_unit_test(wrap_puts_words_in_front),
		cmocka_unit_test(arguments_may_be_the_old_sentence),
		cmocka_unit_test(long_sentences_are_cut_in_the_middle),
		cmocka_unit_test(transient_is_what_heals_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
