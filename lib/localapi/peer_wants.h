/*
 * The wanted peers: a set of names, and a set of addresses reached through routes. Zeroed is
 * nothing; private to this folder.
 */
#ifndef LIB_LOCALAPI_PEER_WANTS_H
#define LIB_LOCALAPI_PEER_WANTS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/ipaddr.h"
#include "lib/localapi/names.h"

struct peer_wants {
	struct names names;
	struct ipaddr *addresses; /* sorted, unique, without zones */
	size_t address_count;
};

void peer_wants_fini(struct peer_wants *w);
/* Replaces both sets, which are copied. False when they are unchanged. */
bool peer_wants_set(struct peer_wants *w, const struct strv *names, const struct ipaddr *addresses,
	size_t count);
/* Whether a wanted address lies in it. */
bool peer_wants_route(const struct peer_wants *w, const struct ipprefix *prefix);

#endif
