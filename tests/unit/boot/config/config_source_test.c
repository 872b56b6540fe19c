#include "boot/config/config_source.h"

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

#include "boot/config/daemon_config.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"
#include "tests/support/tempdir.h"

#define FILE_NAME "cap-95.hujson"
#define BETTER_NAME "cap-107.hujson"
#define WITH_KEY(key) "{\"version\":\"alpha0\",\"AuthKey\":\"" key "\"}"
#define CAPVER 142

struct fixture {
	char *dir;
	struct config_source source;
	struct strv keys; /* reported */
};

static void on_authkey(void *arg, const struct secret *authkey)
{
	struct fixture *f = arg;
	strv_push(&f->keys, secret_str(authkey));
}

static void open_source(struct fixture *f)
{
	AUTO(mem_free) char *socket = tempdir_path(f->dir, "sub/tailscaled.sock");
	config_source_init(&f->source, f->dir, CAPVER, socket, on_authkey, f);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	f->dir = tempdir_new();
	tempdir_write(f->dir, "sub/x", "");
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("a"));
	open_source(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	config_source_fini(&f->source);
	strv_fini(&f->keys);
	tempdir_free(f->dir);
	free(f);
	return 0;
}

static const char *start(struct fixture *f)
{
	struct err e;
	const char *path = config_source_start(&f->source, &e);
	assert_non_null(path);
	return path;
}

static void read_now(struct fixture *f)
{
	struct err e;
	assert_int_equal(config_source_read(&f->source, &e), 0);
}

static void assert_content(const char *path, const char *want)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(DAEMON_CONFIG_MAX);
	assert_int_equal(atomicfile_read(path, &text, &e), 0);
	assert_string_equal(buf_cstr(&text), want);
}

static void the_mounted_file(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *file = tempdir_path(f->dir, FILE_NAME);
	assert_string_equal(start(f), file);
	assert_string_equal(secret_str(config_source_authkey(&f->source)), "a");
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_NOTHING);
	assert_false(config_source_has_untried_authkey(&f->source));
	assert_string_equal(f->keys.items[0], "a");
}

static void mode_of_the_packet_filter(void **state)
{
	struct fixture *f = *state;
	struct err e;
	assert_string_equal(config_source_netfilter_mode(&f->source), "");
	tempdir_write(f->dir, FILE_NAME, "{\"version\":\"alpha0\",\"NetfilterMode\":\"off\"}");
	read_now(f);
	assert_string_equal(config_source_netfilter_mode(&f->source), "off");
	start(f);
	tempdir_write(f->dir, FILE_NAME, "{");
	assert_true(config_source_read(&f->source, &e) < 0);
	assert_string_equal(config_source_netfilter_mode(&f->source), "off");
	/* Not before the daemon has loaded it. */
	tempdir_write(f->dir, FILE_NAME, "{\"version\":\"alpha0\",\"NetfilterMode\":\"on\"}");
	read_now(f);
	assert_string_equal(config_source_netfilter_mode(&f->source), "off");
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	config_source_loaded(&f->source);
	assert_string_equal(config_source_netfilter_mode(&f->source), "on");
}

/* A start never uses a file that does not load, and no copy outlives its writer. */
static void a_broken_file_is_not_started_with(void **state)
{
	static const char *const broken[] = {"", "{", "{\"version\":\"beta\"}", NULL};
	struct fixture *f = *state;
	start(f);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct stat st;
		AUTO(mem_free) char *file = tempdir_path(f->dir, FILE_NAME);
		if (broken[i] != NULL)
			tempdir_write(f->dir, FILE_NAME, broken[i]);
		else
			assert_int_equal(unlink(file), 0);
		const char *path = start(f);
		assert_string_not_equal(path, file);
		assert_content(path, WITH_KEY("a"));
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	AUTO(mem_free) char *copy = xstrdup(f->source.daemon_path);
	config_source_fini(&f->source);
	assert_int_equal(access(copy, F_OK), -1);
}

/* As left by a killed run. */
static void a_copy_that_was_left_is_removed(void **state)
{
	struct fixture *f = *state;
	start(f);
	tempdir_write(f->dir, FILE_NAME, "{");
	AUTO(mem_free) char *copy = xstrdup(start(f));
	struct config_source killed = f->source;
	open_source(f);
	assert_int_equal(access(copy, F_OK), -1);
	config_source_fini(&killed);
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("a"));
	start(f);
}

static void a_copy_is_reloaded_in_its_place(void **state)
{
	struct fixture *f = *state;
	struct err e;
	start(f);
	tempdir_write(f->dir, FILE_NAME, "{");
	AUTO(mem_free) char *copy = xstrdup(start(f));
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("b"));
	read_now(f);
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_RELOAD);
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	assert_content(copy, WITH_KEY("b"));
	config_source_loaded(&f->source);
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_NOTHING);
	assert_string_equal(secret_str(config_source_authkey(&f->source)), "b");
}

static void the_key_in_force_follows_a_reload(void **state)
{
	struct fixture *f = *state;
	struct err e;
	start(f);
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("b"));
	read_now(f);
	assert_string_equal(secret_str(config_source_authkey(&f->source)), "a");
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_RELOAD);
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	/* Replaced once more while the daemon loads: the offered content counts. */
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("c"));
	read_now(f);
	config_source_loaded(&f->source);
	assert_string_equal(secret_str(config_source_authkey(&f->source)), "b");
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_RELOAD);
	assert_true(config_source_has_untried_authkey(&f->source));
	start(f);
	assert_string_equal(secret_str(config_source_authkey(&f->source)), "c");
	assert_false(config_source_has_untried_authkey(&f->source));
}

static void a_refused_file_is_not_started_with(void **state)
{
	struct fixture *f = *state;
	struct err e;
	start(f);
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("b"));
	read_now(f);
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	config_source_refused(&f->source);
	assert_content(start(f), WITH_KEY("a"));
	assert_false(config_source_has_untried_authkey(&f->source));
	/* Other content is tried again. */
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("c"));
	assert_content(start(f), WITH_KEY("c"));
}

/* Nor would a start log in with its key, until the daemon has accepted it. */
static void a_key_in_a_refused_file(void **state)
{
	struct fixture *f = *state;
	struct err e;
	AUTO(mem_free) char *mounted = tempdir_path(f->dir, FILE_NAME);
	start(f);
	tempdir_write(f->dir, FILE_NAME, WITH_KEY("b"));
	read_now(f);
	assert_string_equal(secret_str(config_source_next_authkey(&f->source)), "b");
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	config_source_refused(&f->source);
	assert_string_equal(secret_str(config_source_next_authkey(&f->source)), "a");
	assert_int_equal(config_source_offer(&f->source, &e), 0);
	config_source_loaded(&f->source);
	assert_string_equal(secret_str(config_source_next_authkey(&f->source)), "b");
	assert_string_equal(start(f), mounted);
}

/* Another daemon, and no mounted file matches it. */
static void what_was_in_force_stays_for_another_daemon(void **state)
{
	struct fixture *f = *state;
	start(f);
	tempdir_write(f->dir, FILE_NAME, "{");
	config_source_set_capver(&f->source, CAPVER + 1);
	assert_content(start(f), WITH_KEY("a"));
}

static void a_better_file_in_place_of_the_chosen_one(void **state)
{
	struct fixture *f = *state;
	AUTO(mem_free) char *old = tempdir_path(f->dir, FILE_NAME);
	AUTO(mem_free) char *better = tempdir_path(f->dir, BETTER_NAME);
	start(f);
	tempdir_write(f->dir, BETTER_NAME, WITH_KEY("a"));
	assert_int_equal(unlink(old), 0);
	read_now(f);
	/* The same bytes: the daemon has them. */
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_NOTHING);
	tempdir_write(f->dir, BETTER_NAME, WITH_KEY("b"));
	read_now(f);
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_RESTART);
	assert_string_equal(start(f), better);
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_NOTHING);
}

static void nothing_was_ever_usable(void **state)
{
	struct fixture *f = *state;
	struct err e;
	tempdir_write(f->dir, FILE_NAME, "{");
	assert_null(config_source_start(&f->source, &e));
	assert_non_null(strstr(e.msg, FILE_NAME));
	assert_int_equal(config_source_pending(&f->source), CONFIG_PENDING_NOTHING);
	assert_false(config_source_has_untried_authkey(&f->source));
	assert_false(secret_is_set(config_source_authkey(&f->source)));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_mounted_file),
		TEST(mode_of_the_packet_filter),
		TEST(a_broken_file_is_not_started_with),
		TEST(a_copy_that_was_left_is_removed),
		TEST(a_copy_is_reloaded_in_its_place),
		TEST(the_key_in_force_follows_a_reload),
		TEST(a_refused_file_is_not_started_with),
		TEST(a_key_in_a_refused_file),
		TEST(what_was_in_force_stays_for_another_daemon),
		TEST(a_better_file_in_place_of_the_chosen_one),
		TEST(nothing_was_ever_usable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
