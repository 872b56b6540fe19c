#include "lib/kube/kube_account.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define CA "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"

struct fixture {
	char *dir;
	struct kube_account account;
};

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->dir = tempdir_new();
	tempdir_write(f->dir, "namespace", "default");
	tempdir_write(f->dir, "token", "secret-token\n");
	tempdir_write(f->dir, "ca.crt", CA);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kube_account_fini(&f->account);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

static void remove_file(const struct fixture *f, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(f->dir, name);
	assert_int_equal(unlink(path), 0);
}

static void three_files_are_read(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	assert_int_equal(kube_account_init(&f->account, f->dir, &e), 0);
	assert_string_equal(f->account.access.ns, "default");
	assert_string_equal(secret_str(&f->account.access.token), "secret-token");
	assert_string_equal(buf_cstr(&f->account.access.ca), CA);
}

static void line_ends_are_no_part_of_namespace_and_token(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	tempdir_write(f->dir, "namespace", "tailscale\r\n");
	tempdir_write(f->dir, "token", "t o k\n\n \t");
	assert_int_equal(kube_account_init(&f->account, f->dir, &e), 0);
	assert_string_equal(f->account.access.ns, "tailscale");
	assert_string_equal(secret_str(&f->account.access.token), "t o k");
}

static void a_missing_file_is_named(void **state)
{
	static const char *const names[] = {"namespace", "token", "ca.crt"};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct err e = {0};
		AUTO(mem_free) char *text = tempdir_read(f->dir, names[i]);
		AUTO(mem_free) char *path = tempdir_path(f->dir, names[i]);
		remove_file(f, names[i]);
		assert_int_equal(kube_account_init(&f->account, f->dir, &e), -ENOENT);
		assert_non_null(strstr(e.msg, path));
		assert_true(strncmp(e.msg, "kube: ", 6) == 0);
		kube_account_fini(&f->account);
		tempdir_write(f->dir, names[i], text);
	}
}

static void a_useless_file_is_an_error(void **state)
{
	static const char *const rows[][3] = {
		{"namespace", "\n", "namespace is empty"},
		{"token", "", "token is empty"},
		{"ca.crt", "no certificate", "kube: error in creating root cert pool"},
		{"ca.crt", "", "kube: error in creating root cert pool"},
	};
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = {0};
		AUTO(mem_free) char *text = tempdir_read(f->dir, rows[i][0]);
		tempdir_write(f->dir, rows[i][0], rows[i][1]);
		assert_int_equal(kube_account_init(&f->account, f->dir, &e), -EINVAL);
		assert_non_null(strstr(e.msg, rows[i][2]));
		kube_account_fini(&f->account);
		tempdir_write(f->dir, rows[i][0], text);
	}
}

static void a_rotated_token_is_seen(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	assert_int_equal(kube_account_init(&f->account, f->dir, &e), 0);
	uint64_t generation = f->account.access.generation;
	kube_account_refresh(&f->account, false);
	kube_account_refresh(&f->account, true);
	assert_true(f->account.access.generation == generation);
	tempdir_write(f->dir, "token", "another");
	kube_account_refresh(&f->account, false);
	assert_string_equal(secret_str(&f->account.access.token), "another");
	assert_true(f->account.access.generation == generation + 1);
	/* Other bytes, same token. */
	tempdir_write(f->dir, "token", "another\n");
	kube_account_refresh(&f->account, false);
	assert_true(f->account.access.generation == generation + 1);
}

static void a_token_of_the_same_looks_is_seen_when_forced(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	struct stat st;
	AUTO(mem_free) char *path = tempdir_path(f->dir, "token");
	assert_int_equal(kube_account_init(&f->account, f->dir, &e), 0);
	assert_int_equal(stat(path, &st), 0);
	FILE *file = fopen(path, "r+e");
	assert_non_null(file);
	assert_true(fputs("SECRET-TOKEN\n", file) >= 0);
	assert_int_equal(fclose(file), 0);
	const struct timespec times[2] = {st.st_atim, st.st_mtim};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	kube_account_refresh(&f->account, false);
	assert_string_equal(secret_str(&f->account.access.token), "secret-token");
	kube_account_refresh(&f->account, true);
	assert_string_equal(secret_str(&f->account.access.token), "SECRET-TOKEN");
}

static void what_cannot_be_read_stays(void **state)
{
	struct fixture *f = *state;
	struct err e = {0};
	assert_int_equal(kube_account_init(&f->account, f->dir, &e), 0);
	remove_file(f, "token");
	remove_file(f, "ca.crt");
	kube_account_refresh(&f->account, true);
	assert_string_equal(secret_str(&f->account.access.token), "secret-token");
	assert_string_equal(buf_cstr(&f->account.access.ca), CA);
	tempdir_write(f->dir, "token", "");
	tempdir_write(f->dir, "ca.crt", "half a");
	kube_account_refresh(&f->account, false);
	assert_string_equal(secret_str(&f->account.access.token), "secret-token");
	assert_string_equal(buf_cstr(&f->account.access.ca), CA);
	tempdir_write(f->dir, "ca.crt", "new\n" CA);
	kube_account_refresh(&f->account, false);
	assert_string_equal(buf_cstr(&f->account.access.ca), "new\n" CA);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(three_files_are_read),
		TEST(line_ends_are_no_part_of_namespace_and_token),
		TEST(a_missing_file_is_named),
		TEST(a_useless_file_is_an_error),
		TEST(a_rotated_token_is_seen),
		TEST(a_token_of_the_same_looks_is_seen_when_forced),
		TEST(what_cannot_be_read_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
