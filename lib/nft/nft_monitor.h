/*
 * Listens to changes of nf_tables and reports those of our tables that we did not make.
 *
 * As long as there is a listener, the kernel writes an event for each element of each batch, which
 * takes as long as the batch itself. So the monitor stops listening while a batch of ours is
 * committed. Each committed batch raises the generation of the ruleset by one, which shows whether
 * there was another batch:
 *
 *	nft_monitor_pause(m);
 *	... commit, which lasts as long as the call ...
 *	nft_monitor_resume(m, batches);
 *
 * The generation that counts as known is that of the last event that was read, not the one that the
 * kernel would return before the batch: a foreign batch raises the generation some time before its
 * events are sent, and they may be sent just while the monitor does not listen.
 */
#ifndef LIB_NFT_NFT_MONITOR_H
#define LIB_NFT_NFT_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/nft/nft_backend.h"

struct loop;
struct nft_monitor;
struct nlmsghdr;

/* own_port: nlsock_port of the socket that our batches go through. fn is called from the loop, once
 * for any number of changes that come together; also when events were lost, and when a change of
 * other tables cannot be distinguished from one of ours. */
struct nft_monitor *nft_monitor_new(struct loop *loop, uint32_t own_port, nft_foreign_fn fn,
	void *arg, struct err *e) MUST_CHECK;
void nft_monitor_free(struct nft_monitor *m); /* NULL is accepted */

/* Around a commit of ours, in pairs, within one turn of the loop; batches = how many of them the
 * kernel is known to have committed. Never fails: if listening is impossible it is tried again, and
 * until then the generation is compared. NULL is accepted. */
void nft_monitor_pause(struct nft_monitor *m);
void nft_monitor_resume(struct nft_monitor *m, size_t batches);

/* Whether one event is a change of our tables by another program. Pure. */
bool nft_monitor_is_foreign(const struct nlmsghdr *nlh, uint32_t own_port);
/* The generation that a message carries; 0, which is no valid generation, for any other message.
 * Pure. */
uint32_t nft_monitor_generation(const struct nlmsghdr *nlh);
/* Whether exactly so many batches led from one generation to the other; false when either is 0,
 * unknown. Pure. */
bool nft_monitor_is_explained(uint32_t before, uint32_t after, size_t batches);

#endif
