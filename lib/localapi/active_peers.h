/*
 * The peers to which the daemon has sent packets within the last minute or so, from the answer to
 * `GET status`, read without building a tree.
 */
#ifndef LIB_LOCALAPI_ACTIVE_PEERS_H
#define LIB_LOCALAPI_ACTIVE_PEERS_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

/* Others are left out. */
#define ACTIVE_PEERS_MAX 64

struct active_peers {
	struct ipaddr addresses[ACTIVE_PEERS_MAX]; /* the first one of each peer */
	size_t count;
};

/* Replaces out. A value of a wrong type counts as absent. -EINVAL when the text is not JSON; then
 * out is empty. */
int active_peers_read(
	const char *text, size_t len, struct active_peers *out, struct err *e) MUST_CHECK;

#endif
