/*
 * Conntrack over netlink: one dump, decided entry by entry (ct_plan.h), then the deletion of the
 * flows that may not go on, by their original tuple and id. It runs on the loop, a part each turn.
 *
 * The table belongs to all namespaces of the machine, and a dump walks all of its buckets to find
 * the entries of ours. What it finds comes in parts of 32 KB, one a turn, but the walk to the first
 * full part, or to the end where there are few entries, lasts as long as the call that asks: the
 * loop stands still for 11 to 13 ms with 262,144 buckets, however few entries there are. That
 * cannot be divided, so there is one walk for both families, and none when no flow can be
 * concerned.
 */
#ifndef LIB_NFT_CT_IO_H
#define LIB_NFT_CT_IO_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/nft/ct_plan.h"
#include "lib/nft/nft_backend.h"

struct ct_io;
struct loop;

struct ct_io *ct_io_new(struct loop *loop, struct err *e) MUST_CHECK;
/* Cancels a pass under way without calling its callback. NULL is accepted. */
void ct_io_free(struct ct_io *io);

/* Reads the families that have changed. The view and all in it is borrowed until the callback,
 * which comes from the loop, and only when this succeeds. Its code is 0 when every flow was
 * compared and all flows that had to end were ended; -EINTR when the table changed its size
 * meanwhile. -EBUSY while another run is under way. */
int ct_io_reconcile(struct ct_io *io, const struct ct_view *view, nft_reconcile_fn fn, void *arg,
	struct err *e) MUST_CHECK;

#endif
