#include "boot/node_status.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "tests/support/condition_kinds.h"
#include "tests/support/log_capture.h"

static CONDITION_KIND(key_used, "login", CONDITION_BLOCKS, "KeyUsed", "It was used", "-");
static CONDITION_KIND(control_away, "login", CONDITION_EXPLAINS, "ControlAway", "It is away", "-");
static CONDITION_KIND(
	daemon_down, "daemon", CONDITION_BLOCKS_AFTER_GRACE, "DaemonDown", "It is down", "-");
static CONDITION_KIND(cert_failed, "serve", CONDITION_WARNS, "CertFailed", "No certificate", "-");

#define KEY_USED (&condition_key_used)
#define CONTROL_AWAY (&condition_control_away)
#define DAEMON_DOWN (&condition_daemon_down)
#define CERT_FAILED (&condition_cert_failed)

#define STATE(name) NODE_STATE_##name
static const struct row {
	enum node_state state;
	bool startup_complete;
	const struct condition_kind *raised;
	const char *want;
} rows[] = {
	{STATE(INIT), false, NULL, "starting"},
	{STATE(KUBE_SETUP), false, NULL, "waiting for the Kubernetes API"},
	{STATE(DAEMON), false, NULL, "waiting for tailscaled"},
	{STATE(DAEMON), true, DAEMON_DOWN, "DaemonDown: why"},
	{STATE(AUTH), false, NULL, "waiting for the login"},
	{STATE(AUTH), true, KEY_USED, "KeyUsed: why"},
	{STATE(AUTH), false, CONTROL_AWAY, "ControlAway: why"},
	{STATE(AUTH), false, CERT_FAILED, "waiting for the login"},
	{STATE(REISSUE), false, NULL, "waiting for a new auth key"},
	{STATE(STEADY), false, NULL, "completing the start-up"},
	{STATE(STEADY), false, CONTROL_AWAY, "ControlAway: why"},
	{STATE(STEADY), true, NULL, "tailnet node is running"},
	{STATE(STEADY), true, CONTROL_AWAY, "tailnet node is running"},
	{STATE(STEADY), true, CERT_FAILED, "tailnet node is running"},
	{STATE(STEADY), true, KEY_USED, "KeyUsed: why"},
	{STATE(STEADY), true, DAEMON_DOWN, "DaemonDown: why"},
	{STATE(STOP_WITHDRAW), true, KEY_USED, "stopping"},
	{STATE(DONE), false, NULL, "stopping"},
};

static void format(enum node_state state, bool complete, const struct condition_kind *raised,
	char out[static NODE_STATUS_MAX])
{
	AUTO(condition_set_fini) struct condition_set set = {0};
	condition_kinds_add(&set, CERT_FAILED, CONTROL_AWAY, KEY_USED, DAEMON_DOWN);
	if (raised != NULL)
		condition_raise(&set, raised, "why");
	node_status_format(state, complete, &set, out);
}

static void the_text_follows_state_and_conditions(void **state)
{
	(void)state;
	struct log_capture log = {0};
	log_capture_start(&log);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[NODE_STATUS_MAX];
		format(rows[i].state, rows[i].startup_complete, rows[i].raised, text);
		assert_string_equal(text, rows[i].want);
	}
	log_capture_stop(&log);
}

static void every_state_has_a_text(void **state)
{
	(void)state;
	for (int i = 0; i < NODE_STATE_COUNT; i++) {
		char text[NODE_STATUS_MAX] = "";
		format((enum node_state)i, true, NULL, text);
		assert_true(text[0] != '\0');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_follows_state_and_conditions),
		cmocka_unit_test(every_state_has_a_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
