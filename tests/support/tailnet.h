/*
 * A tailnet as the daemon reports it: peers with their addresses and routes, and DNS records, in
 * short texts. As from the daemon, only what is wanted is kept.
 *
 *	struct tailnet t;
 *	tailnet_open(&t);
 *	tailnet_want(&t, &names, &routes);
 *	tailnet_peer(&t, 1, "web.example.ts.net.", "100.64.0.2/32", "100.64.0.2/32 10.0.0.0/8");
 *	tailnet_record(&t, "svc.example.ts.net", "100.100.0.1");
 *	tailnet_close(&t);
 */
#ifndef TESTS_SUPPORT_TAILNET_H
#define TESTS_SUPPORT_TAILNET_H

#include <stdint.h>

#include "lib/base/str.h"
#include "lib/nft/nft_model.h"

struct peers;
struct records;

struct tailnet {
	struct peers *peers;
	struct records *records;
};

void tailnet_open(struct tailnet *t);
void tailnet_close(struct tailnet *t);
/* Names separated by blanks, and addresses. */
void tailnet_want(struct tailnet *t, const char *names, const char *routes);
void tailnet_want_lists(
	struct tailnet *t, const struct strv *names, const struct nft_addresses *routes);
/* Prefixes separated by blanks. */
void tailnet_peer(
	struct tailnet *t, int64_t id, const char *name, const char *addresses, const char *routes);
void tailnet_remove(struct tailnet *t, int64_t id);
/* Replaces all records by those of one name; "" = none. */
void tailnet_record(struct tailnet *t, const char *name, const char *addresses);

struct ipaddr tailnet_addr(const char *text);
/* "[100.64.0.1 fd7a::1]" in place of a longer assertion. Caller frees. */
char *tailnet_print(const struct nft_addresses *list);

#endif
