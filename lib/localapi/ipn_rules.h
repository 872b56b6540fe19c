/*
 * Which members of a notification are read. Private to this folder; ipn_decode.c interprets them.
 */
#ifndef LIB_LOCALAPI_IPN_RULES_H
#define LIB_LOCALAPI_IPN_RULES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/jscan.h"

enum ipn_rule {
	R_STATE,
	R_ERROR,
	R_URL,
	R_SUSPENDED,
	R_SESSION,
	R_SELF_CHANGE,
	R_PEERS_CHANGED,
	R_PEERS_REMOVED,
	R_PEER_PATCH,
	R_HEALTH,
	R_WARNING,
	R_WANT_RUNNING,
	R_LOGGED_OUT,
	R_NODE_ID,
	R_STATUS,
	R_BACKEND_STATE,
	R_AUTH_URL,
	R_CERT_DOMAIN,
	R_SELF,
	/* only while peers are wanted */
	R_PEER_LIST,
	R_STATUS_PEER,
	R_NODE_PEER_ID,
	R_NODE_PEER_NAME,
	R_NODE_PEER_ADDRESS,
	R_NODE_PEER_ROUTE,
	R_STATUS_PEER_ID,
	R_STATUS_PEER_NAME,
	R_STATUS_PEER_ADDRESS,
	R_STATUS_PEER_ROUTE,
	/* only while records are wanted */
	R_RECORD,
	R_RECORD_NAME,
	R_RECORD_VALUE,
	R_COUNT,
};

/* The limit of the scanner. */
_Static_assert(R_COUNT <= 32, "too many rules");

/* Fills out and returns the number of rules. Unwanted members have no rule, and so cost
 * nothing. */
size_t ipn_rules_choose(
	struct jscan_rule out[static R_COUNT], bool wants_peers, bool wants_records);

#endif
