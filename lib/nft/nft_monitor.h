/*
 * Listens to what is changed in nf_tables and tells when it concerns our tables and was not us.
 */
#ifndef LIB_NFT_NFT_MONITOR_H
#define LIB_NFT_NFT_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_backend.h"

struct loop;
struct nft_monitor;
struct nlmsghdr;

/* own_port: nlsock_port of the socket that our batches go through. fn is called from the loop, once
 * for any number of changes that come together; also when events were lost. */
struct nft_monitor *nft_monitor_new(struct loop *loop, uint32_t own_port, nft_foreign_fn fn,
	void *arg, struct err *e) MUST_CHECK;
void nft_monitor_free(struct nft_monitor *m); /* NULL is accepted */

/* Whether one event is a change of our tables by somebody else. Pure. */
bool nft_monitor_is_foreign(const struct nlmsghdr *nlh, uint32_t own_port);

#endif
