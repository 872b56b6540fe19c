#include "boot/host/sysctl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "lib/base/mem.h"
#include "tests/support/log_capture.h"
#include "tests/support/tempdir.h"

#define KERNEL "TS_USERSPACE=false"
#define IPV4 "proc/sys/net/ipv4/ip_forward"
#define IPV6 "proc/sys/net/ipv6/conf/all/forwarding"

static struct settings *parse(char *const *env)
{
	return settings_parse(env);
}

static void families_that_are_needed(void **state)
{
	(void)state;
	static const struct {
		char *env[4];
		bool ipv4, ipv6;
		const char *error; /* beginning of the sentence */
	} cases[] = {
		{{KERNEL}, false, false, NULL},
		{{KERNEL, "TS_ROUTES="}, false, false, NULL},
		{{KERNEL, "TS_ROUTES=10.0.0.0/8"}, true, false, NULL},
		{{KERNEL, "TS_ROUTES=fd00::/8"}, false, true, NULL},
		{{KERNEL, "TS_ROUTES=10.0.0.0/8,fd00::/8"}, true, true, NULL},
		{{KERNEL, "TS_ROUTES=::ffff:10.0.0.0/104"}, false, true, NULL},
		{{KERNEL, "TS_ROUTES=10.0.0.0/8, fd00::/8"}, false, false,
			"invalid subnet route: "},
		{{KERNEL, "TS_ROUTES=10.0.0.0/8,"}, false, false, "invalid subnet route: "},
		{{KERNEL, "TS_ROUTES=10.0.0.0"}, false, false, "invalid subnet route: "},
		{{"TS_ROUTES=nonsense"}, false, false, NULL},
		{{KERNEL, "TS_DEST_IP=10.0.0.1"}, true, false, NULL},
		{{KERNEL, "TS_DEST_IP=fd00::1"}, false, true, NULL},
		{{KERNEL, "TS_DEST_IP=x"}, false, false, "invalid cluster destination IP: "},
		{{KERNEL, "TS_TAILNET_TARGET_IP=100.64.0.1", "TS_ROUTES=fd00::/8"}, true, true,
			NULL},
		{{KERNEL, "TS_TAILNET_TARGET_IP=fd7a::1"}, false, true, NULL},
		{{KERNEL, "TS_TAILNET_TARGET_IP=x"}, false, false,
			"invalid tailnet destination IP: "},
		{{KERNEL, "TS_TAILNET_TARGET_FQDN=a.b"}, true, false, NULL},
		{{KERNEL, "TS_EXPERIMENTAL_DEST_DNS_NAME=a.b"}, false, false, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e = {0};
		struct sysctl_need need;
		AUTO(settings_freep) struct settings *s = parse((char **)cases[i].env);
		int r = sysctl_forwarding_need(s, &need, &e);
		assert_int_equal(r < 0, cases[i].error != NULL);
		if (r < 0) {
			assert_int_equal(strncmp(e.msg, cases[i].error, strlen(cases[i].error)), 0);
			continue;
		}
		assert_int_equal(need.ipv4, cases[i].ipv4);
		assert_int_equal(need.ipv6, cases[i].ipv6);
	}
}

struct world {
	char *dir;
	struct settings *s;
};

static struct world make_world(const char *routes, const char *ipv4, const char *ipv6)
{
	struct world w = {.dir = tempdir_new()};
	AUTO(mem_free) char *root = xasprintf("TS_TEST_ONLY_ROOT=%s", w.dir);
	AUTO(mem_free) char *var = xasprintf("TS_ROUTES=%s", routes);
	char *env[] = {KERNEL, root, var, NULL};
	w.s = parse(env);
	if (ipv4 != NULL)
		tempdir_write(w.dir, IPV4, ipv4);
	if (ipv6 != NULL)
		tempdir_write(w.dir, IPV6, ipv6);
	return w;
}

static void end_world(struct world *w)
{
	settings_free(w->s);
	tempdir_free(w->dir);
}

static void assert_file(const struct world *w, const char *name, const char *want)
{
	AUTO(mem_free) char *text = tempdir_read(w->dir, name);
	assert_string_equal(text, want);
}

static void only_what_is_needed_is_written(void **state)
{
	(void)state;
	static const struct {
		const char *routes, *ipv4, *ipv6, *want_ipv4, *want_ipv6;
	} cases[] = {
		{"10.0.0.0/8", "0\n", "0\n", "1", "0\n"},
		{"fd00::/8", "0\n", "0\n", "0\n", "1"},
		{"fd00::/8,10.0.0.0/8", "0", "0", "1", "1"},
		{"10.0.0.0/8", " 1 \n", "0", " 1 \n", "0"},
		{"10.0.0.0/8", "2\n", "0", "1", "0"},
		{"10.0.0.0/8", "", "0", "1", "0"},
		{"", "0\n", "0\n", "0\n", "0\n"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err e;
		struct sysctl_need need;
		struct world w = make_world(cases[i].routes, cases[i].ipv4, cases[i].ipv6);
		assert_int_equal(sysctl_prepare(w.s, &e), 0);
		assert_file(&w, IPV4, cases[i].want_ipv4);
		assert_file(&w, IPV6, cases[i].want_ipv6);
		assert_int_equal(sysctl_forwarding_need(w.s, &need, &e), 0);
		assert_true(sysctl_is_forwarding(w.s, &need));
		end_world(&w);
	}
}

static void a_missing_switch_is_fatal_with_a_hint(void **state)
{
	(void)state;
	struct err e;
	struct log_capture log = {0};
	struct world w = make_world("fd00::/8", "1", NULL);
	AUTO(mem_free)
	char *line = xasprintf("Failed to enable IP forwarding: reading \"%s/" IPV6
			       "\": No such file or directory",
		w.dir);
	log_capture_start(&log);
	assert_int_equal(sysctl_prepare(w.s, &e), -ENOENT);
	assert_string_equal(e.msg,
		"you can fix this by running the container with privileged=true, or the equivalent "
		"in your container runtime that permits access to sysctls.");
	assert_string_equal(log.texts.items[0], line);
	assert_string_equal(log.texts.items[1],
		"To run tailscale as a proxy or router container, IP forwarding must be enabled.");
	log_capture_reset(&log);
	w.s->in_kubernetes = true;
	assert_int_equal(sysctl_prepare(w.s, &e), -ENOENT);
	assert_string_equal(e.msg,
		"you can either set the sysctls as a privileged initContainer, or run the tailscale "
		"container with privileged=true.");
	assert_true(log_capture_has(&log, "in securityContext.sysctls of the Pod; the kubelet has "
					  "to allow them (--allowed-unsafe-sysctls)"));
	log_capture_stop(&log);
	end_world(&w);
}

static void a_switch_that_cannot_be_written(void **state)
{
	(void)state;
	struct err e;
	struct sysctl_need need = {.ipv4 = true};
	/* A folder can be opened for reading but not read, by root as well. */
	struct world w = make_world("10.0.0.0/8", NULL, NULL);
	AUTO(mem_free) char *path = tempdir_path(w.dir, IPV4);
	AUTO(mem_free) char *want = xasprintf("reading \"%s\": Is a directory", path);
	tempdir_write(w.dir, IPV4 "/x", "");
	assert_int_equal(sysctl_enable_forwarding(w.s, &need, &e), -EISDIR);
	assert_string_equal(e.msg, want);
	assert_false(sysctl_is_forwarding(w.s, &need));
	end_world(&w);
}

/* What a container sees whose /proc/sys is mounted read-only. */
static void a_read_only_switch_that_is_right_is_fine(void **state)
{
	(void)state;
	struct err e;
	struct sysctl_need need = {.ipv4 = true};
	struct world w = make_world("10.0.0.0/8", "1\n", NULL);
	AUTO(mem_free) char *path = tempdir_path(w.dir, IPV4);
	assert_int_equal(chmod(path, 0444), 0);
	assert_int_equal(sysctl_enable_forwarding(w.s, &need, &e), 0);
	assert_int_equal(sysctl_may_enable(w.s, &need, &e), 0);
	assert_file(&w, IPV4, "1\n");
	need.ipv6 = true;
	assert_int_equal(sysctl_may_enable(w.s, &need, &e), -ENOENT);
	end_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_that_are_needed),
		cmocka_unit_test(only_what_is_needed_is_written),
		cmocka_unit_test(a_missing_switch_is_fatal_with_a_hint),
		cmocka_unit_test(a_switch_that_cannot_be_written),
		cmocka_unit_test(a_read_only_switch_that_is_right_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
