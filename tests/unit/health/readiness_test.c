#include "health/readiness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "health/health.h"
#include "lib/base/buf.h"
#include "lib/base/condition.h"
#include "lib/base/mem.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_capture.h"

#define START_MS 1000000
#define LONG (HEALTH_GRACE_MS + 1)

static CONDITION_KIND(
	key_used, "login", CONDITION_BLOCKS, "KeyUsed", "It was used", "take another");
static CONDITION_KIND(
	control_away, "login", CONDITION_EXPLAINS, "ControlAway", "It is away", "wait");
static CONDITION_KIND(daemon_down, "daemon", CONDITION_BLOCKS_AFTER_GRACE, "DaemonDown",
	"It is down", "see its log");
static CONDITION_KIND(
	cert_failed, "serve", CONDITION_WARNS, "CertFailed", "No certificate", "wait");

#define KEY_USED (&condition_key_used)
#define CONTROL_AWAY (&condition_control_away)
#define DAEMON_DOWN (&condition_daemon_down)
#define CERT_FAILED (&condition_cert_failed)

static const struct condition_kind *const kinds[] = {
	KEY_USED, CONTROL_AWAY, DAEMON_DOWN, CERT_FAILED};

/* Ages in ms, -1: not raised. */
struct row {
	const char *what;
	bool is_stopping, is_running, was_running;
	uint64_t not_running_ms;
	bool has_addresses, path_has_stood, targets_answered;
	int key_used, control_away, daemon_down, cert_failed;
	const char *codes;
};

#define NONE -1, -1, -1, -1
#define UP false, true, true, 0, true, true, true
static const struct row rows[] = {
	{"all is well", UP, NONE, ""},
	{"first moments", false, false, false, 0, false, true, true, NONE, "Starting NoAddresses"},
	{"first moments of a proxy", false, false, false, 0, false, false, true, NONE,
		"Starting NoAddresses DataPathPending"},
	{"waits for its target", false, true, true, 0, true, false, true, NONE, "DataPathPending"},
	{"its target has not answered", false, true, true, 0, true, true, false, NONE,
		"TargetsPending"},
	{"nor are its rules written", false, true, true, 0, true, false, false, NONE,
		"DataPathPending"},
	{"a cause takes the place of Starting", false, false, false, 0, false, true, true, -1, 5,
		-1, -1, "ControlAway NoAddresses"},
	{"the control server is away, the node carries on", UP, -1, 5, -1, -1, ""},
	{"a login refused while it runs", UP, 0, -1, -1, -1, "KeyUsed"},
	{"and what else is known", UP, 0, 5, 5, 5, "KeyUsed ControlAway DaemonDown"},
	{"warnings", UP, -1, -1, -1, 99999, ""},
	{"restart in place", false, false, true, HEALTH_GRACE_MS, true, true, true, -1, -1,
		HEALTH_GRACE_MS, -1, ""},
	{"takes too long", false, false, true, LONG, true, true, true, -1, -1, LONG, -1,
		"DaemonDown"},
	{"the daemon is back, the node is not", false, false, true, LONG, true, true, true, NONE,
		"Starting"},
	{"again and again", false, false, true, LONG, true, true, true, -1, -1, 1, -1,
		"DaemonDown"},
	{"a stop", true, true, true, 0, true, true, true, NONE, "Stopping"},
	{"a stop of a node that never was", true, false, false, 0, false, true, true, 7, -1, -1, -1,
		"Stopping KeyUsed NoAddresses"},
};

static void raise_at(struct condition_set *set, const struct condition_kind *kind, int age)
{
	if (age < 0)
		return;
	fake_clock_install(START_MS + LONG - (uint64_t)age);
	condition_raise(set, kind, "%s for %d ms", kind->name, age);
}

static void make(const struct row *row, struct readiness_facts *facts, struct condition_set *set)
{
	condition_set_add(set, kinds, ARRAY_LEN(kinds));
	raise_at(set, KEY_USED, row->key_used);
	raise_at(set, CONTROL_AWAY, row->control_away);
	raise_at(set, DAEMON_DOWN, row->daemon_down);
	raise_at(set, CERT_FAILED, row->cert_failed);
	uint64_t now = START_MS + LONG;
	*facts = (struct readiness_facts){
		.now_ms = now,
		.start_ms = START_MS,
		.is_stopping = row->is_stopping,
		.stopping_ms = now - 3000,
		.is_running = row->is_running,
		.was_running = row->was_running,
		.not_running_ms = now - row->not_running_ms,
		.has_addresses = row->has_addresses,
		.addresses_ms = START_MS,
		.path_has_stood = row->path_has_stood,
		.targets_answered = row->targets_answered,
	};
}

static void the_reasons_follow_from_facts_and_conditions(void **state)
{
	struct log_capture log = {0};
	(void)state;
	log_capture_start(&log);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO(condition_set_fini) struct condition_set set = {0};
		AUTO(readiness_fini) struct readiness readiness = {0};
		AUTO(strv_fini) struct strv codes = {0};
		struct readiness_facts facts;
		make(&rows[i], &facts, &set);
		readiness_find(&facts, &set, &readiness);
		for (size_t k = 0; k < readiness.count; k++) {
			strv_push(&codes, readiness.items[k].code);
			assert_true(readiness.items[k].message[0] != '\0');
			assert_true(readiness.items[k].hint[0] != '\0');
			assert_true(readiness.items[k].since_ms <= facts.now_ms);
		}
		AUTO(mem_free) char *got = strv_join(&codes, " ");
		if (strcmp(got, rows[i].codes) != 0)
			fail_msg("%s: got [%s], want [%s]", rows[i].what, got, rows[i].codes);
	}
	fake_clock_remove();
	log_capture_stop(&log);
}

static void the_document_says_since_when(void **state)
{
	struct readiness_reason items[] = {
		{"KeyUsed", "a \"key\"", "use another", 5000},
		{"Stopping", "m", "h", 65999},
	};
	struct readiness readiness = {items, ARRAY_LEN(items)};
	struct readiness ready = {0};
	(void)state;
	AUTO(mem_free) char *text = readiness_format(&readiness, 66000, 1795996861);
	assert_string_equal(text,
		"{\"ready\":false,\"reasons\":["
		"{\"code\":\"KeyUsed\",\"message\":\"a \\\"key\\\"\","
		"\"since\":\"2026-11-30T00:00:00Z\",\"hint\":\"use another\"},"
		"{\"code\":\"Stopping\",\"message\":\"m\",\"since\":\"2026-11-30T00:01:01Z\","
		"\"hint\":\"h\"}]}");
	AUTO(mem_free) char *well = readiness_format(&ready, 66000, 1795996861);
	assert_string_equal(well, "{\"ready\":true}");
}

static void a_second_look_replaces_the_first(void **state)
{
	AUTO(condition_set_fini) struct condition_set set = {0};
	AUTO(readiness_fini) struct readiness readiness = {0};
	struct readiness_facts facts;
	(void)state;
	make(&rows[1], &facts, &set);
	readiness_find(&facts, &set, &readiness);
	assert_int_equal(readiness.count, 2);
	facts.has_addresses = true;
	readiness_find(&facts, &set, &readiness);
	assert_int_equal(readiness.count, 1);
	facts.is_running = true;
	readiness_find(&facts, &set, &readiness);
	assert_int_equal(readiness.count, 0);
	assert_null(readiness.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reasons_follow_from_facts_and_conditions),
		cmocka_unit_test(the_document_says_since_when),
		cmocka_unit_test(a_second_look_replaces_the_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
