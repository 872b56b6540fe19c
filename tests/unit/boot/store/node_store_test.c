#include "boot/store/node_store.h"

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
#include "boot/settings/times.h"
#include "lib/base/mem.h"
#include "lib/base/secret.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/loop_wait.h"
#include "tests/support/tempdir.h"

struct bench {
	char *dir;
	char *state_dir;
	struct loop *loop;
	struct settings *settings;
	struct condition_set conditions;
	struct secret no_key;
	struct node_store store;
	unsigned ready;
	unsigned answered;
	char *failure;
};

static void on_ready(void *arg)
{
	struct bench *b = arg;
	b->ready++;
}

static void on_failed(void *arg, const char *sentence)
{
	struct bench *b = arg;
	assert_null(b->failure);
	b->failure = xstrdup(sentence);
}

static void on_authkey(void *arg, const char *value, size_t len)
{
	(void)arg;
	(void)value;
	(void)len;
	fail();
}

static void on_answered(void *arg)
{
	struct bench *b = arg;
	b->answered++;
}

static void set_up_with(struct bench *b, const char *setting)
{
	struct err e;
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_TEST_ONLY_ROOT=%s", b->dir);
	strv_push(&env, "TS_AUTHKEY=key");
	if (setting != NULL)
		strv_push(&env, setting);
	b->settings = settings_load(env.items, &e);
	assert_non_null(b->settings);
	struct node_store_partners partners = {
		.loop = b->loop,
		.conditions = &b->conditions,
		.settings = b->settings,
		.times = times_get(true),
	};
	struct node_store_events events = {on_ready, on_failed, on_authkey, on_answered, b};
	node_store_init(&b->store, &partners, &events);
	node_store_set_up(&b->store, &b->no_key);
	/* Nothing is written before it is known. */
	assert_null(b->store.store);
	node_store_set_capver(&b->store, 142);
}

static int setup(void **state)
{
	struct err e;
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	b->dir = tempdir_new();
	b->state_dir = tempdir_path(b->dir, "state");
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	condition_kinds_add(&b->conditions, STATESTORE_CONDITIONS);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	node_store_fini(&b->store);
	settings_freep(&b->settings);
	condition_set_fini(&b->conditions);
	loop_free(b->loop);
	tempdir_free(b->dir);
	free(b->state_dir);
	free(b->failure);
	free(b);
	return 0;
}

static void without_a_place_it_is_ready_at_once(void **state)
{
	struct bench *b = *state;
	set_up_with(b, NULL);
	assert_int_equal(b->ready, 1);
	assert_false(statestore_is_kept(b->store.store));
	assert_false(node_store_is_resetting(&b->store));
	assert_string_equal(node_store_pending_reason(&b->store), "");
	assert_ptr_equal(node_store_for_serve(&b->store), b->store.store);
}

/* What an earlier run published of its rules goes before the daemon may start; its identity stays
 * until there is another one. */
static void a_folder_is_reset_first(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *setting = xasprintf("TS_STATE_DIR=%s", b->state_dir);
	AUTO(mem_free) char *published = xasprintf("%s/published", b->state_dir);
	assert_int_equal(mkdir(b->state_dir, 0700), 0);
	assert_int_equal(mkdir(published, 0700), 0);
	tempdir_write(published, STORE_KEY_EGRESS_SERVICES, "{}");
	tempdir_write(published, STORE_KEY_DEVICE_ID, "nOLD");
	set_up_with(b, setting);
	assert_true(node_store_is_resetting(&b->store));
	assert_int_equal(b->ready, 0);
	assert_true(loop_wait_count(b->loop, &b->ready, 1, LOOP_WAIT_MS));
	assert_false(node_store_is_resetting(&b->store));
	assert_null(statestore_value(b->store.store, STORE_KEY_EGRESS_SERVICES));
	assert_string_equal(statestore_value(b->store.store, STORE_KEY_DEVICE_ID), "nOLD");
	/* Later writes are no new beginning. */
	unsigned before = b->answered;
	statestore_set(b->store.store, STORE_KEY_DEVICE_ID, "nNEW");
	assert_true(loop_wait_count(b->loop, &b->answered, before + 1, LOOP_WAIT_MS));
	assert_int_equal(b->ready, 1);
	assert_null(b->failure);
}

static void set_up_folder(struct bench *b)
{
	AUTO(mem_free) char *setting = xasprintf("TS_STATE_DIR=%s", b->state_dir);
	assert_int_equal(mkdir(b->state_dir, 0700), 0);
	set_up_with(b, setting);
	assert_true(loop_wait_count(b->loop, &b->ready, 1, LOOP_WAIT_MS));
}

/* The node does not depend on the folder. */
static void a_read_only_folder_is_a_condition(void **state)
{
	struct bench *b = *state;
	AUTO(mem_free) char *setting = xasprintf("TS_STATE_DIR=%s", b->state_dir);
	tempdir_write(b->dir, "state", "a file");
	set_up_with(b, setting);
	assert_true(loop_wait_count(b->loop, &b->ready, 1, LOOP_WAIT_MS));
	assert_null(b->failure);
	const struct condition *c = condition_get(&b->conditions, CONDITION_STORE_WRITE_FAILED);
	assert_true(c->raised);
	assert_non_null(strstr(c->reason, b->state_dir));
	statestore_set(b->store.store, STORE_KEY_DEVICE_ID, "nNEW");
	assert_true(node_store_is_published(&b->store));
	assert_false(statestore_is_idle(b->store.store));
}

/* A Secret that the daemon makes is marked once; a folder was marked by the reset. */
static void only_a_new_secret_is_marked_later(void **state)
{
	struct bench *b = *state;
	set_up_folder(b);
	statestore_set(b->store.store, STORE_KEY_CAPVER, NULL);
	node_store_mark(&b->store);
	assert_null(statestore_value(b->store.store, STORE_KEY_CAPVER));
	b->store.is_new = true;
	node_store_mark(&b->store);
	assert_non_null(statestore_value(b->store.store, STORE_KEY_CAPVER));
	assert_false(b->store.is_new);
}

static void a_key_is_deleted_once(void **state)
{
	struct bench *b = *state;
	set_up_folder(b);
	statestore_known(b->store.store, STORE_KEY_AUTHKEY, SECRET_SHOWN);
	node_store_delete_authkey(&b->store);
	assert_non_null(statestore_value(b->store.store, STORE_KEY_AUTHKEY));
	b->store.is_secret = b->store.has_authkey = true;
	node_store_delete_authkey(&b->store);
	assert_null(statestore_value(b->store.store, STORE_KEY_AUTHKEY));
	assert_false(b->store.has_authkey);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(without_a_place_it_is_ready_at_once),
		TEST(a_folder_is_reset_first),
		TEST(a_read_only_folder_is_a_condition),
		TEST(only_a_new_secret_is_marked_later),
		TEST(a_key_is_deleted_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
