/*
 * One peer while it is being read from the stream, before the peer table decides whether to keep
 * it.
 */
#ifndef LIB_LOCALAPI_IPN_PEER_H
#define LIB_LOCALAPI_IPN_PEER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/ipaddr.h"

struct jscan_event;
struct peers;

struct ipn_peer_prefixes {
	struct ipprefix *items;
	size_t len, cap;
};

/* Zeroed is empty. The memory is reused for the next peer. */
struct ipn_peer {
	int64_t id;
	struct buf name;
	struct ipn_peer_prefixes addresses, routes;
};

void ipn_peer_reset(struct ipn_peer *p);
void ipn_peer_fini(struct ipn_peer *p);

/* Values of a wrong type or an unreadable address count as absent. */
void ipn_peer_read_id(struct ipn_peer *p, const struct jscan_event *ev);
void ipn_peer_read_name(struct ipn_peer *p, const struct jscan_event *ev);
void ipn_peer_read_address(struct ipn_peer *p, const struct jscan_event *ev);
/* Only wanted routes are kept; peers decides which. */
void ipn_peer_read_route(
	struct ipn_peer *p, const struct jscan_event *ev, const struct peers *peers);

void ipn_peer_offer(const struct ipn_peer *p, struct peers *peers);

#endif
