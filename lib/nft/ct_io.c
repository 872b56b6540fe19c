#include "lib/nft/ct_io.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwalk.h"
#include "lib/nft/nlwrite.h"

#define DELETIONS_A_TURN 256
#define REQUEST_MAX (80u << 10)
/* Some 80,000 entries; more are left to another run, which begins where this one ends. */
#define DELETIONS_BYTES_MAX (8u << 20)

struct ct_io {
	struct nlsock *sock;
	struct timer turn;
	const struct ct_view *view_ref;
	nft_reconcile_fn fn; /* NULL: idle */
	void *arg;
	struct nlwrite deletions;
	size_t sent; /* bytes of them */
	size_t deleted;
	size_t deleted_before; /* this dump */
	bool is_full;          /* more to be deleted than deletions holds */
	struct err e;
};

static int begin_dump(struct ct_io *io, struct err *e);

static void finish(struct ct_io *io, int code)
{
	nft_reconcile_fn fn = io->fn;
	struct err e = io->e;
	nlwrite_fini(&io->deletions);
	io->fn = NULL;
	fn(io->arg, io->deleted, code, &e);
}

static void put_attr(struct nlwrite *w, const struct nlattr *attr)
{
	if (attr != NULL)
		nlwrite_bytes(w, attr->nla_type, mnl_attr_get_payload(attr),
			mnl_attr_get_payload_len(attr));
}

static void on_entry(void *arg, const struct nlmsghdr *nlh)
{
	struct ct_io *io = arg;
	struct ct_entry entry;
	if (!ct_entry_parse(nlh, &entry) ||
		!ct_verdict_is_end(ct_plan_decide(io->view_ref, &entry)))
		return;
	if (io->deletions.buf.len + NLWRITE_MESSAGE_MAX > DELETIONS_BYTES_MAX) {
		io->is_full = true;
		return;
	}
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	io->deletions.next_seq = nlsock_reserve_seq(io->sock, 1);
	nlwrite_begin(&io->deletions, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK,
		nfg->nfgen_family, 0);
	put_attr(&io->deletions, entry.tuple_attr);
	put_attr(&io->deletions, entry.id_attr);
	put_attr(&io->deletions, entry.zone_attr);
	nlwrite_end(&io->deletions);
}

/* The bytes of the next messages, as many as go into one turn. */
static size_t next_chunk(const struct ct_io *io, size_t *count)
{
	struct nlwalk walk =
		NLWALK_INIT(io->deletions.buf.data + io->sent, io->deletions.buf.len - io->sent);
	const char *start = walk.at;
	*count = 0;
	while (*count < DELETIONS_A_TURN && nlwalk_next(&walk) != NULL)
		(*count)++;
	return (size_t)(walk.at - start);
}

static void end_dump(struct ct_io *io)
{
	/* An entry that cannot be deleted is found again by the next pass. */
	bool is_worth_it = io->is_full && io->deleted > io->deleted_before;
	if (is_worth_it && begin_dump(io, &io->e) == 0)
		return;
	if (io->is_full && io->e.code == 0)
		err_set(&io->e, -EAGAIN, "more flows have to end than could be ended at once");
	finish(io, io->e.code);
}

static void delete_some(void *arg)
{
	struct ct_io *io = arg;
	struct nlsock_outcome outcome;
	struct err e = {0};
	size_t count = 0;
	if (io->sent == io->deletions.buf.len) {
		end_dump(io);
		return;
	}
	size_t len = next_chunk(io, &count);
	if (nlsock_commit(io->sock, io->deletions.buf.data + io->sent, len, &outcome, &e) < 0) {
		io->e = e;
		finish(io, e.code);
		return;
	}
	io->sent += len;
	io->deleted += count - outcome.failure_count;
	for (size_t i = 0; i < outcome.failure_count && i < NLSOCK_FAILURES_MAX; i++) {
		/* An entry that is already gone is as good. */
		if (outcome.failures[i].code != -ENOENT)
			err_set_errno(&io->e, outcome.failures[i].code, "end a flow in conntrack");
	}
	timer_start(&io->turn, 0);
}

static void on_dumped(void *arg, const struct nlerr *answer)
{
	struct ct_io *io = arg;
	if (answer->code < 0)
		err_set_errno(&io->e, answer->code, "read conntrack");
	/* Flows that were read before the failure have been decided on, and are still ended. */
	if (nlwrite_check(&io->deletions, &io->e) < 0) {
		finish(io, io->e.code);
		return;
	}
	timer_start(&io->turn, 0);
}

/* Each dump walks the whole table, so both families are read in one. */
static uint8_t family_to_read(const struct ct_view *view)
{
	if (view->has_changed[NFT_MODEL_V4] && view->has_changed[NFT_MODEL_V6])
		return NFPROTO_UNSPEC;
	return view->has_changed[NFT_MODEL_V4] ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

static int ask(struct ct_io *io, struct err *e)
{
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(REQUEST_MAX, nlsock_reserve_seq(io->sock, 1));
	nlwrite_begin(&w, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET, NLM_F_DUMP,
		family_to_read(io->view_ref), 0);
	nlwrite_end(&w);
	if (nlwrite_check(&w, e) < 0)
		return e->code;
	return nlsock_ask(io->sock, &w, on_entry, on_dumped, io, e);
}

static int begin_dump(struct ct_io *io, struct err *e)
{
	nlwrite_fini(&io->deletions);
	io->deletions = NLWRITE_INIT(DELETIONS_BYTES_MAX, 1);
	io->sent = 0;
	io->is_full = false;
	io->deleted_before = io->deleted;
	io->e = (struct err){0};
	return ask(io, e);
}

struct ct_io *ct_io_new(struct loop *loop, struct err *e)
{
	struct ct_io *io = xcalloc(1, sizeof(*io));
	timer_init(&io->turn, loop, delete_some, io);
	io->sock = nlsock_new(loop, e);
	if (io->sock == NULL) {
		free(io);
		return NULL;
	}
	return io;
}

void ct_io_free(struct ct_io *io)
{
	if (io == NULL)
		return;
	timer_stop(&io->turn);
	nlsock_free(io->sock);
	nlwrite_fini(&io->deletions);
	free(io);
}

int ct_io_reconcile(
	struct ct_io *io, const struct ct_view *view, nft_reconcile_fn fn, void *arg, struct err *e)
{
	if (io->fn != NULL)
		return err_set(e, -EBUSY, "conntrack is being reconciled");
	io->view_ref = view;
	io->fn = fn;
	io->arg = arg;
	io->deleted = 0;
	if (begin_dump(io, e) < 0) {
		io->fn = NULL;
		return e->code;
	}
	return 0;
}
