/*
 * Conditions: what is wrong right now, by code. Any layer raises and clears; one set is owned by
 * boot/ and passed down by pointer. A transition is logged once: raised, reason changed, cleared.
 * Health, metrics and reports read the same set.
 *
 * The table of codes (name, what it means, what to do) is lib/base/condition.c.
 */
#ifndef LIB_BASE_CONDITION_H
#define LIB_BASE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum condition_code {
	/* login and control */
	CONDITION_KEY_MISSING,
	CONDITION_KEY_USED,
	CONDITION_KEY_EXPIRED,
	CONDITION_KEY_INVALID,
	CONDITION_KEY_MALFORMED,
	CONDITION_KEY_NEEDS_TAGS,
	CONDITION_TAG_NOT_PERMITTED,
	CONDITION_HOSTNAME_INVALID,
	CONDITION_SETTINGS_CONFLICT,
	CONDITION_NEEDS_APPROVAL,
	CONDITION_NODE_LOCKED,
	CONDITION_NODE_KEY_EXPIRED,
	CONDITION_DEVICE_DELETED,
	CONDITION_STOPPED,
	CONDITION_LOGGED_OUT,
	CONDITION_LOGIN_REFUSED,
	CONDITION_CONTROL_UNREACHABLE,
	CONDITION_CONTROL_NAME_UNKNOWN,
	CONDITION_CONTROL_TLS_UNTRUSTED,
	CONDITION_CONTROL_TLS_EXPIRED,
	CONDITION_CONTROL_TLS_WRONG_HOST,
	CONDITION_CONTROL_RATE_LIMITED,
	CONDITION_CONTROL_ERROR,
	CONDITION_CONTROL_LOST,
	CONDITION_CLOCK_SKEW,
	CONDITION_NETWORK_DOWN,
	CONDITION_STATE_STORE_FAILED,
	CONDITION_STATE_LOST,
	/* supervisor */
	CONDITION_DAEMON_DOWN,
	CONDITION_DAEMON_CRASH_LOOP,
	CONDITION_BUS_LOST,
	CONDITION_NOT_RUNNING,
	CONDITION_STORE_WRITE_FAILED,
	CONDITION_CONFIG_INVALID,
	CONDITION_CONFIG_RELOAD_FAILED,
	CONDITION_SERVE_CONFIG_INVALID,
	CONDITION_SERVE_APPLY_FAILED,
	CONDITION_ADVERTISE_FAILED,
	CONDITION_CERT_FAILED,
	CONDITION_KEY_REISSUE_PENDING,
	/* data path */
	CONDITION_FIREWALL_FAILED,
	CONDITION_FORWARDING_OFF,
	CONDITION_EGRESS_CONFIG_INVALID,
	CONDITION_EGRESS_SERVICE_FAILED,
	CONDITION_EGRESS_TARGET_UNKNOWN,
	CONDITION_INGRESS_CONFIG_INVALID,
	CONDITION_INGRESS_SERVICE_FAILED,
	CONDITION_INGRESS_TARGET_FAILED,
	CONDITION_DEST_NAME_UNRESOLVED,
	CONDITION_COUNT,
};

#define CONDITION_REASON_MAX 256

struct condition {
	bool raised;
	char reason[CONDITION_REASON_MAX]; /* one line, no secrets, cut at a character boundary */
	uint64_t since_ms;                 /* clock_now_ms at the raise */
	uint64_t transitions;
};

struct condition_set {
	struct condition items[CONDITION_COUNT];
};

/* Static facts of a code. */
const char *condition_name(enum condition_code code);    /* "KeyUsed" */
const char *condition_meaning(enum condition_code code); /* one sentence */
const char *condition_advice(enum condition_code code);  /* what to do, one sentence */

/* Raises with a reason, or changes the reason of a raised one. The same reason again does nothing.
 */
void condition_raise(struct condition_set *set, enum condition_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void condition_clear(struct condition_set *set, enum condition_code code);
/* Clears every code from first to last. */
void condition_clear_range(
	struct condition_set *set, enum condition_code first, enum condition_code last);
bool condition_is_raised(const struct condition_set *set, enum condition_code code);

#endif
