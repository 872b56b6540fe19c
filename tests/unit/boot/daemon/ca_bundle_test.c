#include "boot/daemon/ca_bundle.h"

#include <errno.h>
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

#include "boot/daemon/daemon_conditions.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

#define BLOCK(base64) "-----BEGIN CERTIFICATE-----\n" base64 "\n-----END CERTIFICATE-----\n"
#define ONE BLOCK("MAEA")
#define TWO BLOCK("MAEB")
#define DEBIAN "etc/ssl/certs/ca-certificates.crt"
#define ALPINE "etc/ssl/cert.pem"

struct bench {
	char *dir;
	struct settings settings;
	struct condition_set conditions;
	struct loop *loop;
	struct ca_bundle ca;
	struct log_capture log;
	unsigned newer;
	struct err err;
};

static int set_up(void **state)
{
	struct err e;
	struct bench *b = xcalloc(1, sizeof(*b));
	b->dir = tempdir_new();
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	condition_kinds_add(&b->conditions, DAEMON_CONDITIONS);
	b->settings.test_root = b->dir;
	b->settings.ca_file = tempdir_path(b->dir, "ca.crt");
	b->settings.socket = tempdir_path(b->dir, "run/new/tailscaled.sock");
	b->settings.ssl_cert_file = xstrdup("");
	unsetenv("SSL_CERT_FILE");
	log_capture_start(&b->log);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	log_capture_stop(&b->log);
	ca_bundle_fini(&b->ca);
	loop_free(b->loop);
	condition_set_fini(&b->conditions);
	free(b->settings.ca_file);
	free(b->settings.socket);
	free(b->settings.ssl_cert_file);
	tempdir_free(b->dir);
	free(b);
	return 0;
}

static void on_newer(void *arg)
{
	struct bench *b = arg;
	b->newer++;
}

static int open_bundle(struct bench *b)
{
	struct ca_bundle_partners partners = {
		.loop = b->loop,
		.conditions = &b->conditions,
		.settings = &b->settings,
		.times = times_get(true),
		.on_newer = on_newer,
		.arg = b,
	};
	return ca_bundle_open(&b->ca, &partners, &b->err);
}

static void assert_open(struct bench *b)
{
	if (open_bundle(b) < 0)
		fail_msg("%s", b->err.msg);
}

static void assert_bundle(const struct bench *b, const char *want)
{
	AUTO(mem_free) char *have = tempdir_read(b->dir, "run/new/tailscaled.sock.ca-bundle");
	assert_non_null(have);
	assert_string_equal(have, want);
}

static void without_the_setting_nothing_happens(void **state)
{
	struct bench *b = *state;
	b->settings.ca_file[0] = '\0';
	assert_open(b);
	ca_bundle_refresh(&b->ca);
	assert_null(getenv("SSL_CERT_FILE"));
}

static void the_file_is_added_to_the_bundle_of_the_system(void **state)
{
	struct bench *b = *state;
	struct stat info;
	/* The last line of the system's bundle has no end. */
	tempdir_write(b->dir, DEBIAN, "system");
	tempdir_write(b->dir, ALPINE, "another");
	tempdir_write(b->dir, "ca.crt", "# ours\n" ONE TWO);
	assert_open(b);
	assert_bundle(b, "system\n" ONE TWO);
	assert_string_equal(getenv("SSL_CERT_FILE"), b->ca.path);
	assert_int_equal(stat(b->ca.path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_true(log_capture_has(
		&b->log, " is added to /etc/ssl/certs/ca-certificates.crt (certificates: 2)"));
}

static void the_places_of_other_systems_are_known(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, ALPINE, "alpine");
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	assert_bundle(b, "alpine\n" ONE);
}

static void a_system_without_a_bundle_is_said(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	assert_bundle(b, ONE);
	assert_true(log_capture_has(&b->log, " is added to no bundle of the system"));
}

static void a_bundle_of_the_user_takes_the_systems_place(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, DEBIAN, "system");
	tempdir_write(b->dir, "own.pem", "own\n");
	tempdir_write(b->dir, "ca.crt", ONE);
	free(b->settings.ssl_cert_file);
	b->settings.ssl_cert_file = tempdir_path(b->dir, "own.pem");
	assert_open(b);
	assert_bundle(b, "own\n\n" ONE);
}

static void a_bundle_of_the_user_must_be_there(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "ca.crt", ONE);
	free(b->settings.ssl_cert_file);
	b->settings.ssl_cert_file = tempdir_path(b->dir, "own.pem");
	assert_int_equal(open_bundle(b), -ENOENT);
	assert_non_null(strstr(b->err.msg, "SSL_CERT_FILE, which TAILBOOT_CA_FILE is added to: "));
	assert_non_null(strstr(b->err.msg, "own.pem: No such file or directory"));
}

static void an_unusable_file_is_refused_with_variable_path_and_line(void **state)
{
	struct bench *b = *state;
	assert_int_equal(open_bundle(b), -ENOENT);
	assert_non_null(strstr(b->err.msg, "TAILBOOT_CA_FILE: open "));
	assert_non_null(strstr(b->err.msg, "/ca.crt: No such file or directory"));
	ca_bundle_fini(&b->ca);
	tempdir_write(b->dir, "ca.crt", "x\n-----BEGIN PRIVATE KEY-----\n");
	assert_int_equal(open_bundle(b), -EINVAL);
	assert_non_null(strstr(b->err.msg, "TAILBOOT_CA_FILE: "));
	assert_non_null(strstr(b->err.msg, "/ca.crt: line 2: "));
	assert_null(getenv("SSL_CERT_FILE"));
}

static void a_file_that_is_too_large_is_refused(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *text = xcalloc(1, (1u << 20) + 2);
	memset(text, 'x', (1u << 20) + 1);
	tempdir_write(b->dir, "ca.crt", text);
	assert_int_equal(open_bundle(b), -EMSGSIZE);
	assert_non_null(strstr(b->err.msg, "TAILBOOT_CA_FILE: read "));
}

static bool has_news(void *arg)
{
	const struct bench *b = arg;
	return b->newer > 0;
}

static bool is_raised(void *arg)
{
	struct bench *b = arg;
	return condition_is_raised(&b->conditions, CONDITION_CA_FILE_INVALID);
}

static void a_swapped_volume_is_noticed(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *data = tempdir_path(b->dir, "volume/..data");
	AUTO(mem_free) char *next = tempdir_path(b->dir, "volume/..data_tmp");
	AUTO(mem_free) char *name = tempdir_path(b->dir, "volume/ca.crt");
	tempdir_write(b->dir, "volume/..1/ca.crt", ONE);
	tempdir_write(b->dir, "volume/..2/ca.crt", TWO);
	assert_int_equal(symlink("..1", data), 0);
	assert_int_equal(symlink("..data/ca.crt", name), 0);
	free(b->settings.ca_file);
	b->settings.ca_file = STEAL(name);
	assert_open(b);
	ca_bundle_refresh(&b->ca);
	assert_false(b->ca.is_newer);
	assert_int_equal(symlink("..2", next), 0);
	assert_int_equal(rename(next, data), 0);
	assert_true(loop_wait(b->loop, has_news, b, LOOP_WAIT_MS));
	assert_bundle(b, TWO);
	assert_true(b->ca.is_newer);
	assert_true(log_capture_has(&b->log, "from its next start on"));
	ca_bundle_refresh(&b->ca);
	assert_false(b->ca.is_newer);
	assert_int_equal(b->newer, 1);
}

static void an_unusable_change_is_a_condition_and_changes_nothing(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	tempdir_write(b->dir, "ca.crt", "nothing\n");
	assert_true(loop_wait(b->loop, is_raised, b, LOOP_WAIT_MS));
	assert_bundle(b, ONE);
	tempdir_write(b->dir, "ca.crt", ONE TWO);
	/* Also when the start of the daemon is earlier than the report of the change. */
	ca_bundle_refresh(&b->ca);
	assert_false(is_raised(b));
	assert_bundle(b, ONE TWO);
	assert_false(b->ca.is_newer);
}

static void a_bundle_that_was_removed_is_written_for_the_next_start(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	assert_int_equal(unlink(b->ca.path), 0);
	ca_bundle_refresh(&b->ca);
	assert_bundle(b, ONE);
}

static bool is_cleared(void *arg)
{
	return !is_raised(arg);
}

static void a_bundle_that_cannot_be_written_is_tried_again(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *run = tempdir_path(b->dir, "run/new");
	AUTO(mem_free) char *away = tempdir_path(b->dir, "run/away");
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	assert_int_equal(rename(run, away), 0);
	assert_int_equal(symlink("nowhere", run), 0);
	tempdir_write(b->dir, "ca.crt", TWO);
	assert_true(loop_wait(b->loop, is_raised, b, LOOP_WAIT_MS));
	assert_int_equal(b->newer, 0);
	assert_int_equal(unlink(run), 0);
	assert_int_equal(rename(away, run), 0);
	assert_true(loop_wait(b->loop, is_cleared, b, LOOP_WAIT_MS));
	assert_bundle(b, TWO);
	assert_int_equal(b->newer, 1);
	assert_true(b->ca.is_newer);
}

static void the_end_removes_the_bundle(void **state)
{
	struct bench *b = *state;
	tempdir_write(b->dir, "ca.crt", ONE);
	assert_open(b);
	AUTO(mem_free) char *path = xstrdup(b->ca.path);
	assert_int_equal(access(path, F_OK), 0);
	ca_bundle_fini(&b->ca);
	assert_int_equal(access(path, F_OK), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_the_setting_nothing_happens),
		TEST(the_file_is_added_to_the_bundle_of_the_system),
		TEST(the_places_of_other_systems_are_known),
		TEST(a_system_without_a_bundle_is_said),
		TEST(a_bundle_of_the_user_takes_the_systems_place),
		TEST(a_bundle_of_the_user_must_be_there),
		TEST(an_unusable_file_is_refused_with_variable_path_and_line),
		TEST(a_file_that_is_too_large_is_refused),
		TEST(a_swapped_volume_is_noticed),
		TEST(an_unusable_change_is_a_condition_and_changes_nothing),
		TEST(a_bundle_that_was_removed_is_written_for_the_next_start),
		TEST(a_bundle_that_cannot_be_written_is_tried_again),
		TEST(the_end_removes_the_bundle),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
