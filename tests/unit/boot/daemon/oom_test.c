#include "boot/daemon/oom.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"
#include "tests/support/tempdir.h"

static void the_counter_is_found(void **unused)
{
	static const struct {
		const char *text;
		bool found;
		uint64_t kills;
	} cases[] = {
		{"low 0\nhigh 7\nmax 12\noom 3\noom_kill 2\noom_group_kill 1\n", true, 2},
		{"oom_kill_disable 0\nunder_oom 1\noom_kill 41\n", true, 41},
		{"oom_kill 18446744073709551615", true, UINT64_MAX},
		{"oom_kill_disable 1\nunder_oom 0\n", false, 0},
		{"oom_kill \n", false, 0},
		{"oom_kill x\n", false, 0},
		{"oom_kill -1\n", false, 0},
		{"", false, 0},
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t kills = 0;
		assert_int_equal(oom_parse_kills(cases[i].text, &kills), cases[i].found);
		if (cases[i].found)
			assert_int_equal(kills, cases[i].kills);
	}
}

static void the_cgroup_is_found(void **unused)
{
	static const char hybrid[] = "9:name=systemd:/\n4:cpu,memory:/pods/a:b\n0::/unit\n";
	static const struct {
		const char *text, *controller, *path;
	} cases[] = {
		{hybrid, "memory", "/pods/a:b"},
		{hybrid, "", "/unit"},
		{"0::/", "", "/"},
		{"0::/", "memory", NULL},
		{"4:memory\nmemory\n", "memory", NULL},
		{"", "", NULL},
	};
	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO(mem_free) char *path = oom_parse_cgroup(cases[i].text, cases[i].controller);
		if (cases[i].path != NULL)
			assert_string_equal(path, cases[i].path);
		else
			assert_null(path);
	}
}

/* Writes root/PATH, folders included. */
static void place(const char *root, const char *path, const char *text)
{
	struct err e;
	AUTO(mem_free) char *whole = xasprintf("%s%s", root, path);
	AUTO(mem_free) char *dir = xstrndup(whole, (size_t)(strrchr(whole, '/') - whole));
	assert_int_equal(atomicfile_make_dirs(dir, 0700, &e), 0);
	assert_int_equal(atomicfile_write(whole, text, strlen(text), 0600, &e), 0);
}

static void kills_are_seen(
	const char *root, const char *file, const char *before, const char *after)
{
	struct oom oom;
	place(root, file, before);
	oom_find(&oom, root);
	assert_non_null(oom.path);
	assert_true(str_ends(oom.path, file));
	assert_false(oom_has_killed(&oom));
	place(root, file, after);
	assert_true(oom_has_killed(&oom));
	oom_mark(&oom);
	assert_false(oom_has_killed(&oom));
	oom_fini(&oom);
}

static void both_generations(void **unused)
{
	char *root = tempdir_new();
	struct oom oom;
	(void)unused;
	oom_find(&oom, root);
	oom_mark(&oom);
	assert_null(oom.path);
	assert_false(oom_has_killed(&oom));
	place(root, "/proc/self/cgroup", "0::/pod/c\n");
	/* The path is that of the host, the mount that of the container. */
	kills_are_seen(root, "/sys/fs/cgroup/memory.events", "oom_kill 0\n", "oom_kill 1\n");
	kills_are_seen(root, "/sys/fs/cgroup/pod/c/memory.events", "oom_kill 5\n", "oom_kill 7\n");
	place(root, "/proc/self/cgroup", "4:memory:/pod/c\n0::/\n");
	kills_are_seen(root, "/sys/fs/cgroup/memory/memory.oom_control",
		"oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
		"oom_kill_disable 0\nunder_oom 0\noom_kill 1\n");
	kills_are_seen(root, "/sys/fs/cgroup/memory/pod/c/memory.oom_control", "oom_kill 1\n",
		"oom_kill 2\n");
	tempdir_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_counter_is_found),
		cmocka_unit_test(the_cgroup_is_found),
		cmocka_unit_test(both_generations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
