/* The conditions of boot/login. */
#ifndef BOOT_LOGIN_LOGIN_CONDITIONS_H
#define BOOT_LOGIN_LOGIN_CONDITIONS_H

#include "lib/base/condition.h"

/* The reasons why the node is not logged in: they end once it is Running. */
#define CONDITION_GROUP_LOGIN "login and control"

extern const struct condition_kind condition_key_missing;
extern const struct condition_kind condition_key_used;
extern const struct condition_kind condition_key_expired;
extern const struct condition_kind condition_key_invalid;
extern const struct condition_kind condition_key_malformed;
extern const struct condition_kind condition_key_needs_tags;
extern const struct condition_kind condition_tag_not_permitted;
extern const struct condition_kind condition_hostname_invalid;
extern const struct condition_kind condition_settings_conflict;
extern const struct condition_kind condition_needs_approval;
extern const struct condition_kind condition_node_locked;
extern const struct condition_kind condition_node_key_expired;
extern const struct condition_kind condition_device_deleted;
extern const struct condition_kind condition_stopped;
extern const struct condition_kind condition_logged_out;
extern const struct condition_kind condition_login_refused;
extern const struct condition_kind condition_control_unreachable;
extern const struct condition_kind condition_control_name_unknown;
extern const struct condition_kind condition_control_tls_untrusted;
extern const struct condition_kind condition_control_tls_expired;
extern const struct condition_kind condition_control_tls_wrong_host;
extern const struct condition_kind condition_control_rate_limited;
extern const struct condition_kind condition_control_error;
extern const struct condition_kind condition_control_lost;
extern const struct condition_kind condition_clock_skew;
extern const struct condition_kind condition_network_down;
extern const struct condition_kind condition_router_failed;
extern const struct condition_kind condition_state_store_failed;
extern const struct condition_kind condition_state_lost;

/* Of another group: it ends with the request. */
extern const struct condition_kind condition_key_reissue_pending;

#define CONDITION_KEY_MISSING (&condition_key_missing)
#define CONDITION_KEY_USED (&condition_key_used)
#define CONDITION_KEY_EXPIRED (&condition_key_expired)
#define CONDITION_KEY_INVALID (&condition_key_invalid)
#define CONDITION_KEY_MALFORMED (&condition_key_malformed)
#define CONDITION_KEY_NEEDS_TAGS (&condition_key_needs_tags)
#define CONDITION_TAG_NOT_PERMITTED (&condition_tag_not_permitted)
#define CONDITION_HOSTNAME_INVALID (&condition_hostname_invalid)
#define CONDITION_SETTINGS_CONFLICT (&condition_settings_conflict)
#define CONDITION_NEEDS_APPROVAL (&condition_needs_approval)
#define CONDITION_NODE_LOCKED (&condition_node_locked)
#define CONDITION_NODE_KEY_EXPIRED (&condition_node_key_expired)
#define CONDITION_DEVICE_DELETED (&condition_device_deleted)
#define CONDITION_STOPPED (&condition_stopped)
#define CONDITION_LOGGED_OUT (&condition_logged_out)
#define CONDITION_LOGIN_REFUSED (&condition_login_refused)
#define CONDITION_CONTROL_UNREACHABLE (&condition_control_unreachable)
#define CONDITION_CONTROL_NAME_UNKNOWN (&condition_control_name_unknown)
#define CONDITION_CONTROL_TLS_UNTRUSTED (&condition_control_tls_untrusted)
#define CONDITION_CONTROL_TLS_EXPIRED (&condition_control_tls_expired)
#define CONDITION_CONTROL_TLS_WRONG_HOST (&condition_control_tls_wrong_host)
#define CONDITION_CONTROL_RATE_LIMITED (&condition_control_rate_limited)
#define CONDITION_CONTROL_ERROR (&condition_control_error)
#define CONDITION_CONTROL_LOST (&condition_control_lost)
#define CONDITION_CLOCK_SKEW (&condition_clock_skew)
#define CONDITION_NETWORK_DOWN (&condition_network_down)
#define CONDITION_ROUTER_FAILED (&condition_router_failed)
#define CONDITION_STATE_STORE_FAILED (&condition_state_store_failed)
#define CONDITION_STATE_LOST (&condition_state_lost)
#define CONDITION_KEY_REISSUE_PENDING (&condition_key_reissue_pending)

/* The group, for the table of a program, in the order of precedence. */
#define LOGIN_CONDITIONS                                                                           \
	CONDITION_KEY_MISSING, CONDITION_KEY_USED, CONDITION_KEY_EXPIRED, CONDITION_KEY_INVALID,   \
		CONDITION_KEY_MALFORMED, CONDITION_KEY_NEEDS_TAGS, CONDITION_TAG_NOT_PERMITTED,    \
		CONDITION_HOSTNAME_INVALID, CONDITION_SETTINGS_CONFLICT, CONDITION_NEEDS_APPROVAL, \
		CONDITION_NODE_LOCKED, CONDITION_NODE_KEY_EXPIRED, CONDITION_DEVICE_DELETED,       \
		CONDITION_STOPPED, CONDITION_LOGGED_OUT, CONDITION_LOGIN_REFUSED,                  \
		CONDITION_CONTROL_UNREACHABLE, CONDITION_CONTROL_NAME_UNKNOWN,                     \
		CONDITION_CONTROL_TLS_UNTRUSTED, CONDITION_CONTROL_TLS_EXPIRED,                    \
		CONDITION_CONTROL_TLS_WRONG_HOST, CONDITION_CONTROL_RATE_LIMITED,                  \
		CONDITION_CONTROL_ERROR, CONDITION_CONTROL_LOST, CONDITION_CLOCK_SKEW,             \
		CONDITION_NETWORK_DOWN, CONDITION_ROUTER_FAILED, CONDITION_STATE_STORE_FAILED,     \
		CONDITION_STATE_LOST

#endif
