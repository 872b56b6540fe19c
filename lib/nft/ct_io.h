/*
 * Conntrack over netlink: one dump of each family, judged entry by entry (ct_plan.h), then the
 * deletion of those that may not go on, by their original tuple and id. On the loop, some of it
 * each turn: the table belongs to the whole node and may be large.
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
/* What is under way is forgotten, its callback is not called. NULL is accepted. */
void ct_io_free(struct ct_io *io);

/* The view and all in it is borrowed until the callback, which comes from the loop. -EBUSY while
 * another run is under way. */
int ct_io_reconcile(struct ct_io *io, const struct ct_view *view, nft_reconcile_fn fn, void *arg,
	struct err *e) MUST_CHECK;

#endif
