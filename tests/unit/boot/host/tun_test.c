#include "boot/host/tun.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "lib/base/mem.h"
#include "tests/support/tempdir.h"

static struct settings *parse(const char *dir, char *userspace)
{
	AUTO(mem_free) char *root = xasprintf("TS_TEST_ONLY_ROOT=%s", dir);
	char *env[] = {root, userspace, NULL};
	return settings_parse(env);
}

static bool may_make_nodes(const char *dir)
{
	AUTO(mem_free) char *path = tempdir_path(dir, "probe");
	if (mknod(path, S_IFCHR | 0600, makedev(10, 200)) < 0)
		return false;
	return unlink(path) == 0;
}

static void node_is_made(void **state)
{
	(void)state;
	struct err e;
	struct stat st;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	if (!may_make_nodes(dir))
		skip(); /* needs CAP_MKNOD */
	AUTO(settings_freep) struct settings *s = parse(dir, "TS_USERSPACE=false");
	AUTO(mem_free) char *folder = tempdir_path(dir, "dev/net");
	AUTO(mem_free) char *path = tempdir_path(dir, "dev/net/tun");
	assert_int_equal(tun_ensure(s, &e), 0);
	assert_int_equal(stat(folder, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(stat(path, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_rdev, makedev(10, 200));
	assert_int_equal(tun_ensure(s, &e), 0);
}

static void any_file_there_is_accepted(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(settings_freep) struct settings *s = parse(dir, "TS_USERSPACE=false");
	tempdir_write(dir, "dev/net/tun", "text");
	assert_int_equal(tun_ensure(s, &e), 0);
	AUTO(mem_free) char *text = tempdir_read(dir, "dev/net/tun");
	assert_string_equal(text, "text");
}

static void userspace_needs_none(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(settings_freep) struct settings *s = parse(dir, "TS_USERSPACE=true");
	AUTO(mem_free) char *path = tempdir_path(dir, "dev");
	assert_int_equal(tun_ensure(s, &e), 0);
	assert_int_equal(access(path, F_OK), -1);
}

static void faults_are_named(void **state)
{
	(void)state;
	struct err e;
	static const char want[] = "unable to create tuntap device file: ";
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(settings_freep) struct settings *s = parse(dir, "TS_USERSPACE=false");
	AUTO(mem_free) char *folder = tempdir_path(dir, "dev/net");
	/* A link to nowhere: mkdir finds something, stat does not. */
	tempdir_write(dir, "dev/x", "");
	assert_int_equal(symlink("nowhere", folder), 0);
	assert_true(tun_ensure(s, &e) < 0);
	assert_int_equal(strncmp(e.msg, want, strlen(want)), 0);
}

static void the_name_is_that_of_the_arguments(void **state)
{
	static const struct {
		const char *userspace, *extra, *want;
	} cases[] = {
		{"false", "", "tailscale0"},
		{"false", "--verbose=1 --tunnel=x -- tun", "tailscale0"},
		{"false", "--tun=ts1", "ts1"},
		{"false", "-tun ts1 --verbose=1", "ts1"},
		{"false", "--tun=ts1 --tun=ts2", "ts2"},
		{"false", "--tun=userspace-networking,ts1", "ts1"},
		{"false", "--tun=userspace-networking", NULL},
		{"false", "--tun=tap:ts1:br0", NULL},
		{"false", "--tun=sixteen-is-above", NULL},
		{"false", "--tun=", NULL},
		{"true", "", NULL},
		{"true", "--tun=ts1", "ts1"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(mem_free) char *userspace = xasprintf("TS_USERSPACE=%s", cases[i].userspace);
		AUTO(mem_free)
		char *extra = xasprintf("TS_TAILSCALED_EXTRA_ARGS=%s", cases[i].extra);
		char *env[] = {userspace, extra, NULL};
		AUTO(settings_freep) struct settings *s = settings_parse(env);
		AUTO(mem_free) char *name = tun_name(s);
		if (cases[i].want == NULL)
			assert_null(name);
		else
			assert_string_equal(name, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(node_is_made),
		cmocka_unit_test(any_file_there_is_accepted),
		cmocka_unit_test(userspace_needs_none),
		cmocka_unit_test(faults_are_named),
		cmocka_unit_test(the_name_is_that_of_the_arguments),
	};
	umask(022);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
