#include "boot/config/daemon_config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

#define GOOD "{\"version\":\"alpha0\",\"AuthKey\":\"key\"}"

static void versions_in_names(void **state)
{
	(void)state;
	static const struct {
		const char *name;
		int want;
	} cases[] = {
		{"cap-95.hujson", 95},
		{"cap-0.hujson", 0},
		{"cap-0095.hujson", 95},
		{"cap-+95.hujson", 95},
		{"cap- 95.hujson", 95},
		{"cap-95.hujson.bak", 95},
		{"tailscaled", 0},
		{"tailscaled.hujson", -1},
		{"cap--95.hujson", -1},
		{"cap-.hujson", -1},
		{"cap-95.json", -1},
		{"cap-95", -1},
		{"xcap-95.hujson", -1},
		{"CAP-95.hujson", -1},
		{"cap-9 5.hujson", -1},
		{"cap-0x10.hujson", -1},
		{"cap-2147483647.hujson", 2147483647},
		{"cap-2147483648.hujson", -1},
		{"cap-99999999999999999999.hujson", -1},
		{"", -1},
		{"..data", -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		if (daemon_config_version(cases[i].name) != cases[i].want)
			fail_msg("%s: %d", cases[i].name, daemon_config_version(cases[i].name));
	}
}

static void greatest_usable_file_is_chosen(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *want_95 = tempdir_path(dir, "cap-95.hujson");
	AUTO(mem_free) char *want_107 = tempdir_path(dir, "cap-107.hujson");
	AUTO(mem_free) char *folder = tempdir_path(dir, "cap-142.hujson");
	AUTO(mem_free) char *link = tempdir_path(dir, "cap-107.hujson");
	tempdir_write(dir, "cap-95.hujson", GOOD);
	tempdir_write(dir, "cap-9.hujson", GOOD);
	tempdir_write(dir, "cap-143.hujson", GOOD);
	tempdir_write(dir, "cap-x.hujson", GOOD);
	assert_int_equal(mkdir(folder, 0755), 0);
	AUTO(mem_free) char *first = daemon_config_choose(dir, 142, &e);
	assert_string_equal(first, want_95);
	/* A link counts, even to nowhere: the fault is named when the file is read. */
	assert_int_equal(symlink("..data/cap-107.hujson", link), 0);
	AUTO(mem_free) char *second = daemon_config_choose(dir, 142, &e);
	assert_string_equal(second, want_107);
	AUTO(mem_free) char *third = daemon_config_choose(dir, 100, &e);
	assert_string_equal(third, want_95);
}

static void path_is_clean(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "a/cap-1.hujson", GOOD);
	AUTO(mem_free) char *odd = xasprintf("/%s/./a//../a///", dir);
	AUTO(mem_free) char *want = tempdir_path(dir, "a/cap-1.hujson");
	AUTO(mem_free) char *path = daemon_config_choose(odd, 142, &e);
	assert_string_equal(path, want);
}

static void nothing_to_choose(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *absent = tempdir_path(dir, "absent");
	AUTO(mem_free) char *file = tempdir_path(dir, "cap-143.hujson");
	AUTO(mem_free)
	char *unreadable = xasprintf("error reading tailscaled config directory \"%s\": ", absent);
	AUTO(mem_free)
	char *none = xasprintf(
		"no tailscaled config file found in \"%s\" for current capability version 142",
		dir);
	assert_null(daemon_config_choose(absent, 142, &e));
	assert_int_equal(e.code, -ENOENT);
	assert_int_equal(strncmp(e.msg, unreadable, strlen(unreadable)), 0);
	tempdir_write(dir, "cap-143.hujson", GOOD);
	assert_null(daemon_config_choose(dir, 142, &e));
	assert_string_equal(e.msg, none);
	assert_null(daemon_config_choose(file, 142, &e));
	assert_int_equal(e.code, -ENOTDIR);
}

static void faults_of_files_are_named(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "d/cap-1.hujson");
	AUTO(mem_free)
	char *no_dir = xasprintf(
		"error validating whether directory with tailscaled config file %s/d/ exists: ",
		dir);
	AUTO(mem_free)
	char *no_file = xasprintf(
		"error validating whether tailscaled config directory \"%s/d/\" contains tailscaled "
		"config for current capability version \"cap-1.hujson\": No such file or directory. If "
		"this is a Tailscale Kubernetes operator proxy, please ensure that the version of the "
		"operator is not older than the version of the proxy",
		dir);
	AUTO(mem_free)
	char *bad = xasprintf(
		"error validating tailscaled configfile contents: error parsing config file %s: line 1",
		path);
	assert_int_equal(daemon_config_check(path, &e), -ENOENT);
	assert_int_equal(strncmp(e.msg, no_dir, strlen(no_dir)), 0);
	tempdir_write(dir, "d/other", "");
	assert_int_equal(daemon_config_check(path, &e), -ENOENT);
	assert_string_equal(e.msg, no_file);
	tempdir_write(dir, "d/cap-1.hujson", "{\"version\":\"alpha0\"");
	assert_int_equal(daemon_config_check(path, &e), -EINVAL);
	assert_int_equal(strncmp(e.msg, bad, strlen(bad)), 0);
	tempdir_write(dir, "d/cap-1.hujson", GOOD);
	assert_int_equal(daemon_config_check(path, &e), 0);
}

static void key_is_read(void **state)
{
	(void)state;
	struct err e;
	struct daemon_config_values values = {0};
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "f");
	tempdir_write(dir, "f", GOOD);
	assert_int_equal(daemon_config_load(path, &values, &e), 0);
	assert_string_equal(secret_str(&values.authkey), "key");
	tempdir_write(dir, "f", "{");
	assert_int_equal(daemon_config_load(path, &values, &e), -EINVAL);
	assert_string_equal(secret_str(&values.authkey), "key");
	tempdir_write(dir, "f", "{\"version\":\"alpha0\"}");
	assert_int_equal(daemon_config_load(path, &values, &e), 0);
	assert_false(secret_is_set(&values.authkey));
	daemon_config_values_fini(&values);
}

static void huge_file_is_refused(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "f");
	AUTO(mem_free) char *text = xmalloc(DAEMON_CONFIG_MAX + 2);
	memset(text, ' ', DAEMON_CONFIG_MAX + 1);
	memcpy(text, GOOD, strlen(GOOD));
	text[DAEMON_CONFIG_MAX + 1] = '\0';
	tempdir_write(dir, "f", text);
	assert_int_equal(daemon_config_load(path, NULL, &e), -EMSGSIZE);
	text[DAEMON_CONFIG_MAX] = '\0';
	tempdir_write(dir, "f", text);
	assert_int_equal(daemon_config_load(path, NULL, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_in_names),
		cmocka_unit_test(greatest_usable_file_is_chosen),
		cmocka_unit_test(path_is_clean),
		cmocka_unit_test(nothing_to_choose),
		cmocka_unit_test(faults_of_files_are_named),
		cmocka_unit_test(key_is_read),
		cmocka_unit_test(huge_file_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
