/*
 * Our own node as the daemon reports it: decoded from a node object (SelfChange) or a peer status
 * object (InitialStatus.Self), which use different keys for the same facts. Plain data;
 * selfnode_fini frees it, a zeroed one is unknown.
 */
#ifndef LIB_LOCALAPI_SELFNODE_H
#define LIB_LOCALAPI_SELFNODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

#define SELFNODE_ADDRESSES_MAX 16

struct selfnode {
	bool known;
	char *stable_id; /* "" when unknown; owned */
	char *fqdn;      /* with trailing dot; owned */
	struct ipprefix addresses[SELFNODE_ADDRESSES_MAX];
	size_t address_count;
	int64_t key_expiry_s; /* Unix time, 0 = never */
	bool expired;
	bool online; /* only in a peer status */
};

void selfnode_fini(struct selfnode *s);
void selfnode_copy(struct selfnode *to, const struct selfnode *from);
bool selfnode_same_addresses(const struct selfnode *a, const struct selfnode *b);

/* Decodes the raw JSON text of a node or of a peer status. On error (-EINVAL, -EMSGSIZE) s is
 * unchanged. An unreadable expiry or presence counts as absent. */
int selfnode_from_node(struct selfnode *s, const char *text, size_t len, struct err *e) MUST_CHECK;
int selfnode_from_status(
	struct selfnode *s, const char *text, size_t len, struct err *e) MUST_CHECK;

/* JSON array of addresses without lengths, ["100.64.0.1"], or null without any. Caller frees. */
char *selfnode_format_ips(const struct selfnode *s);

#endif
