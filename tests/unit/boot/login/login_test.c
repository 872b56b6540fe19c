#include "boot/login/login.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "boot/bus/bus.h"
#include "boot/login/login_conditions.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_load.h"
#include "boot/settings/times.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"
#include "tests/support/tempdir.h"

/* A login without a daemon: the facts of the bus are written by hand. */
struct bench {
	char *dir;
	struct loop *loop;
	struct settings *settings;
	struct condition_set conditions;
	struct bus bus;
	struct login login;
	unsigned counts[LOGIN_EVENT_COUNT];
};

static void on_event(void *arg, enum login_event event)
{
	struct bench *b = arg;
	b->counts[event]++;
}

static void open_with(struct bench *b, const char *setting)
{
	static const struct condition_kind *const kinds[] = {LOGIN_CONDITIONS};
	struct err e;
	AUTO(strv_fini) struct strv env = {0};
	strv_pushf(&env, "TS_TEST_ONLY_ROOT=%s", b->dir);
	strv_push(&env, setting);
	b->settings = settings_load(env.items, &e);
	assert_non_null(b->settings);
	b->bus = (struct bus){.facts.ipn_state = IPN_STATE_UNKNOWN};
	condition_set_add(&b->conditions, kinds, ARRAY_LEN(kinds));
	struct login_partners partners = {
		.loop = b->loop,
		.conditions = &b->conditions,
		.bus = &b->bus,
		.settings = b->settings,
		.times = times_get(true),
	};
	login_init(&b->login, &partners, on_event, b);
}

static void open_one_step(struct bench *b)
{
	AUTO(mem_free)
	char *setting = xasprintf("TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR=%s/config", b->dir);
	tempdir_write(b->dir, "config/cap-95.hujson", "{\"version\":\"alpha0\"}");
	open_with(b, setting);
}

static void close_it(struct bench *b)
{
	login_fini(&b->login);
	b->login = (struct login){0};
	condition_set_fini(&b->conditions);
	settings_freep(&b->settings);
}

static int setup(void **state)
{
	struct err e;
	struct bench *b = xcalloc(1, sizeof(*b));
	*state = b;
	b->dir = tempdir_new();
	b->loop = loop_new(&e);
	assert_non_null(b->loop);
	return 0;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	close_it(b);
	loop_free(b->loop);
	tempdir_free(b->dir);
	free(b);
	return 0;
}

static bool is_raised(const struct bench *b, const struct condition_kind *kind)
{
	return condition_is_raised(&b->conditions, kind);
}

/* As the bus and the supervisor do it. */
static void report(struct bench *b, const struct ipn_notify *n, bool is_configured)
{
	if (n->state != IPN_STATE_UNKNOWN)
		b->bus.facts.ipn_state = n->state;
	login_on_notify(&b->login, n, is_configured);
	if (n->has_health)
		login_on_health(&b->login, n, true);
}

static void report_health(
	struct bench *b, enum ipn_state state, const struct ipn_warning *warnings, size_t count)
{
	struct ipn_notify n = {.state = state,
		.backend_state = IPN_STATE_UNKNOWN,
		.has_health = true,
		.warnings = warnings,
		.warning_count = count};
	report(b, &n, false);
}

static void report_state(struct bench *b, enum ipn_state state, const char *error_message)
{
	struct ipn_notify n = {
		.state = state, .backend_state = IPN_STATE_UNKNOWN, .error_message = error_message};
	report(b, &n, false);
}

static void warnings_stay_until_they_are_withdrawn(void **state)
{
	struct bench *b = *state;
	struct ipn_warning locked = {"tailnet-lock", "Locked", "this node is locked out", ""};
	struct ipn_warning network = {"network-status", "Down", "", ""};
	struct ipn_warning both[] = {locked, network};
	open_with(b, "TS_AUTHKEY=key");
	report_health(b, IPN_STATE_RUNNING, both, 2);
	report_state(b, IPN_STATE_UNKNOWN, NULL);
	report_state(b, IPN_STATE_RUNNING, NULL);
	assert_true(is_raised(b, CONDITION_NODE_LOCKED));
	assert_string_equal(condition_get(&b->conditions, CONDITION_NETWORK_DOWN)->reason, "Down");
	report_health(b, IPN_STATE_UNKNOWN, &network, 1);
	assert_false(is_raised(b, CONDITION_NODE_LOCKED));
	assert_true(is_raised(b, CONDITION_NETWORK_DOWN));
	assert_int_equal(condition_get(&b->conditions, CONDITION_NETWORK_DOWN)->transitions, 1);
	report_health(b, IPN_STATE_UNKNOWN, NULL, 0);
	assert_false(is_raised(b, CONDITION_NETWORK_DOWN));
}

static void one_reason_at_a_time(void **state)
{
	struct bench *b = *state;
	struct ipn_warning login = {"login-state", "", "", "dial tcp: connection refused"};
	open_with(b, "TS_AUTHKEY=tskey-auth-secret");
	report_state(
		b, IPN_STATE_NEEDS_LOGIN, "authkey tskey-auth-secret expired: authkey expired");
	assert_string_equal(condition_get(&b->conditions, CONDITION_KEY_EXPIRED)->reason,
		"authkey *** expired: authkey expired");
	report_health(b, IPN_STATE_UNKNOWN, &login, 1);
	assert_false(is_raised(b, CONDITION_KEY_EXPIRED));
	assert_true(is_raised(b, CONDITION_CONTROL_UNREACHABLE));
	assert_string_equal(login_reason(&b->login), "dial tcp: connection refused");
	assert_true(b->login.control_is_away);
	/* A replaced try has no meaning. */
	report_state(b, IPN_STATE_UNKNOWN, "context canceled");
	assert_true(is_raised(b, CONDITION_CONTROL_UNREACHABLE));
	report_state(b, IPN_STATE_RUNNING, NULL);
	assert_false(is_raised(b, CONDITION_CONTROL_UNREACHABLE));
	assert_string_equal(login_reason(&b->login), "");
	report_health(b, IPN_STATE_UNKNOWN, NULL, 0);
	assert_false(b->login.control_is_away);
}

static void what_a_lost_login_means(void **state)
{
	static const struct {
		enum ipn_state state;
		bool configured, logged_out, want_running, has_node_id;
		const struct condition_kind *kind;
	} cases[] = {
		{IPN_STATE_NEEDS_LOGIN, true, true, true, false, CONDITION_LOGGED_OUT},
		{IPN_STATE_NEEDS_LOGIN, false, true, false, false, CONDITION_STATE_LOST},
		{IPN_STATE_STOPPED, true, false, false, true, CONDITION_STOPPED},
		{IPN_STATE_STOPPED, false, false, false, true, CONDITION_STOPPED},
		{IPN_STATE_STARTING, true, false, true, true, NULL},
		{IPN_STATE_NEEDS_LOGIN, false, false, true, true, NULL},
	};
	struct bench *b = *state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		open_with(b, "TS_AUTHKEY=key");
		login_succeeded(&b->login);
		struct ipn_notify n = {.state = cases[i].state,
			.backend_state = IPN_STATE_UNKNOWN,
			.has_prefs = true,
			.logged_out = cases[i].logged_out,
			.want_running = cases[i].want_running,
			.has_node_id = cases[i].has_node_id};
		report(b, &n, cases[i].configured);
		for (size_t c = 0; c < b->conditions.count; c++) {
			const struct condition *one = &b->conditions.items[c];
			assert_int_equal(one->raised, one->kind == cases[i].kind);
		}
		close_it(b);
	}
	open_with(b, "TS_AUTHKEY=key");
}

static void a_try_is_paused_only_after_the_first_success(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_AUTHKEY=key");
	login_decide(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
	b->login.up_ran = true;
	login_decide(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
	assert_false(timer_is_armed(&b->login.retry));
	login_succeeded(&b->login);
	login_decide(&b->login);
	assert_true(timer_is_armed(&b->login.retry));
	/* The pause is over: only a node that still needs it is logged in again. */
	b->bus.facts.ipn_state = IPN_STATE_STARTING;
	login_decide_recovery(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
	b->bus.facts.ipn_state = IPN_STATE_NEEDS_LOGIN;
	login_decide_recovery(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 2);
	login_forget_daemon(&b->login);
	assert_false(timer_is_armed(&b->login.retry));
	assert_false(b->login.up_ran);
}

static void a_refused_login_of_a_running_node(void **state)
{
	struct bench *b = *state;
	struct ipn_warning used = {"login-state", "", "", "authkey already used"};
	struct ipn_warning away = {"login-state", "", "", "dial tcp: connection refused"};
	open_with(b, "TS_AUTHKEY=key");
	report_state(b, IPN_STATE_RUNNING, NULL);
	login_succeeded(&b->login);
	report_health(b, IPN_STATE_UNKNOWN, &used, 1);
	assert_true(is_raised(b, CONDITION_KEY_USED));
	assert_true(login_is_refused(&b->login));
	assert_int_equal(b->counts[LOGIN_EVENT_REFUSED], 1);
	login_decide_refused(&b->login);
	assert_true(timer_is_armed(&b->login.retry));
	login_decide_recovery(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
	/* The tool succeeded, and the daemon reports Running again: the warning stays. */
	report_state(b, IPN_STATE_STARTING, NULL);
	report_state(b, IPN_STATE_RUNNING, NULL);
	login_succeeded(&b->login);
	assert_true(login_is_refused(&b->login));
	assert_true(timer_is_armed(&b->login.retry));
	assert_int_equal(condition_get(&b->conditions, CONDITION_KEY_USED)->transitions, 1);
	/* An unreachable control server blocks nothing else. */
	report_health(b, IPN_STATE_UNKNOWN, &away, 1);
	assert_false(login_is_refused(&b->login));
	assert_true(is_raised(b, CONDITION_CONTROL_UNREACHABLE));
	report_health(b, IPN_STATE_UNKNOWN, NULL, 0);
	assert_string_equal(login_reason(&b->login), "");
}

static void errors_reported_to_a_running_node(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_AUTHKEY=key");
	report_state(b, IPN_STATE_RUNNING, NULL);
	/* The cause is unknown. */
	report_state(b, IPN_STATE_UNKNOWN, "never heard of");
	assert_string_equal(login_reason(&b->login), "");
	report_state(b, IPN_STATE_UNKNOWN, "authkey expired");
	assert_true(is_raised(b, CONDITION_KEY_EXPIRED));
	assert_true(login_is_refused(&b->login));
	/* A login that was accepted. */
	report_state(b, IPN_STATE_NEEDS_LOGIN, NULL);
	assert_false(login_is_refused(&b->login));
	report_state(b, IPN_STATE_RUNNING, NULL);
	assert_string_equal(login_reason(&b->login), "");
}

static void what_a_refusal_leads_to_in_one_step_mode(void **state)
{
	struct bench *b = *state;
	struct ipn_warning used = {"login-state", "", "", "authkey already used"};
	open_one_step(b);
	assert_true(settings_is_one_step(b->settings));
	report_state(b, IPN_STATE_RUNNING, NULL);
	login_succeeded(&b->login);
	/* Deleted, and nothing was tried: the daemon logs in when it starts. */
	b->login.is_deleted = true;
	login_decide_refused(&b->login);
	assert_true(timer_is_armed(&b->login.retry));
	login_decide_recovery(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_RESTART], 1);
	/* Tried, and refused. */
	b->login.is_deleted = false;
	report_health(b, IPN_STATE_UNKNOWN, &used, 1);
	timer_stop(&b->login.retry);
	login_decide_refused(&b->login);
	assert_false(timer_is_armed(&b->login.retry));
	assert_true(timer_is_armed(&b->login.grace));
}

static void a_key_that_does_not_come_is_asked_for_again(void **state)
{
	static const enum ipn_state states[] = {
		IPN_STATE_NO_STATE, IPN_STATE_STARTING, IPN_STATE_NEEDS_LOGIN};
	struct bench *b = *state;
	struct ipn_warning used = {"login-state", "", "", "authkey already used"};
	open_one_step(b);
	login_succeeded(&b->login);
	for (size_t i = 0; i < ARRAY_LEN(states); i++) {
		report_health(b, states[i], &used, 1);
		timer_stop(&b->login.grace);
		timer_stop(&b->login.retry);
		login_decide_recovery(&b->login);
		assert_true(timer_is_armed(&b->login.grace));
		assert_true(timer_is_armed(&b->login.retry));
	}
}

static void a_node_stopped_by_hand_at_the_start(void **state)
{
	struct bench *b = *state;
	open_with(b, "TS_AUTH_ONCE=true");
	b->bus.facts.ipn_state = IPN_STATE_STOPPED;
	login_show_state(&b->login);
	assert_string_equal(login_reason(&b->login), "tailscale was switched off (tailscale down)");
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
	b->login.up_ran = true;
	login_show_state(&b->login);
	assert_int_equal(b->counts[LOGIN_EVENT_WANT_UP], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(warnings_stay_until_they_are_withdrawn),
		TEST(one_reason_at_a_time),
		TEST(what_a_lost_login_means),
		TEST(a_refused_login_of_a_running_node),
		TEST(errors_reported_to_a_running_node),
		TEST(what_a_refusal_leads_to_in_one_step_mode),
		TEST(a_key_that_does_not_come_is_asked_for_again),
		TEST(a_node_stopped_by_hand_at_the_start),
		TEST(a_try_is_paused_only_after_the_first_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
