/* Settings as a whole: the chosen configuration file, rejections, warnings. */
#include "boot/settings/settings_load.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "tests/support/log_capture.h"
#include "tests/support/tempdir.h"

#define ENV(...) ((char *[]){__VA_ARGS__, NULL})

static struct settings *load(char **env)
{
	struct err e = {0};
	struct settings *s = settings_load(env, &e);
	if (s == NULL)
		fail_msg("rejected: %s", e.msg);
	return s;
}

static void config_folder_means_one_step(void **state)
{
	(void)state;
	struct log_capture log = {0};
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "cap-95.hujson", "{\"version\":\"alpha0\"}");
	AUTO(mem_free) char *env = xasprintf("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=%s//", dir);
	AUTO(mem_free) char *path = tempdir_path(dir, "cap-95.hujson");
	AUTO(mem_free)
	char *line = xasprintf(
		"Using tailscaled config file \"%s\" to match current capability version ", path);
	log_capture_start(&log);
	AUTO(settings_freep)
	struct settings *s = load(ENV(env, "TS_AUTH_ONCE=true", "TAILBOOT_TEST_ASK_VERSION=false"));
	assert_string_equal(s->config_path, path);
	assert_true(settings_is_one_step(s));
	assert_false(settings_is_two_step_once(s));
	assert_false(settings_may_use_stored_authkey(s));
	assert_true(log_capture_has(&log, line));
	log_capture_stop(&log);
}

/* Which daemon there is will be asked: a file that only a newer one reads is a file. */
static void config_file_for_a_newer_daemon(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	tempdir_write(dir, "cap-9999.hujson", "{\"version\":\"alpha0\"}");
	AUTO(mem_free) char *env = xasprintf("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=%s", dir);
	AUTO(settings_freep) struct settings *s = load(ENV(env));
	assert_true(s->asks_version);
	assert_true(settings_is_one_step(s));
	assert_null(settings_load(ENV(env, "TAILBOOT_TEST_ASK_VERSION=false"), &e));
	assert_int_equal(e.code, -ENOENT);
	AUTO(settings_freep) struct settings *tested = load(ENV("TS_TEST_ONLY_ROOT=/tmp"));
	assert_false(tested->asks_version);
}

static void prefixes_of_rejections(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *env = xasprintf("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=%s", dir);
	assert_null(settings_load(ENV("TS_ID_TOKEN=t"), &e));
	assert_string_equal(e.msg,
		"invalid configuration: invalid configuration: TS_ID_TOKEN is set but TS_CLIENT_ID is "
		"not set");
	assert_null(settings_load(ENV("POD_IPS=x", "TS_ID_TOKEN=t"), &e));
	assert_int_equal(
		strncmp(e.msg, "invalid configuration: error parsing IP address x: ", 51), 0);
	assert_null(settings_load(ENV(env, "POD_IPS=x"), &e));
	assert_int_equal(strncmp(e.msg, "no tailscaled config file found in \"", 36), 0);
	tempdir_write(dir, "cap-1.hujson", "{");
	assert_null(settings_load(ENV(env, "TS_DEST_IP=1.2.3.4"), &e));
	assert_non_null(strstr(e.msg,
		"invalid configuration: invalid configuration: error validating tailscaled "
		"configfile contents: error parsing config file "));
}

static void deprecated_health_listener_warns(void **state)
{
	(void)state;
	struct log_capture log = {0};
	struct err e;
	log_capture_start(&log);
	settings_free(load(ENV("TS_HEALTHCHECK_ADDR_PORT=[::]:1")));
	assert_true(log_capture_has(&log,
		"[warning] TS_HEALTHCHECK_ADDR_PORT is deprecated and will be removed in 1.82.0. "
		"Please use TS_ENABLE_HEALTH_CHECK and optionally TS_LOCAL_ADDR_PORT instead."));
	log_capture_stop(&log);
	/* The warning comes before the faults of addresses, and after those of modes. */
	log_capture_start(&log);
	assert_null(settings_load(ENV("TS_HEALTHCHECK_ADDR_PORT=x"), &e));
	assert_int_equal(log.texts.len, 1);
	log_capture_stop(&log);
	log_capture_start(&log);
	assert_null(settings_load(ENV("TS_HEALTHCHECK_ADDR_PORT=x", "TS_ID_TOKEN=t"), &e));
	assert_int_equal(log.texts.len, 0);
	log_capture_stop(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(config_folder_means_one_step),
		cmocka_unit_test(config_file_for_a_newer_daemon),
		cmocka_unit_test(prefixes_of_rejections),
		cmocka_unit_test(deprecated_health_listener_warns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
