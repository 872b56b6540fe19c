#include "lib/nft/nft_kernel.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/nft/ct_io.h"
#include "lib/nft/nft_batch.h"
#include "lib/nft/nft_monitor.h"
#include "lib/nft/nft_split.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwrite.h"

/* More than the messages of the largest batch, so that its numbers are in a row. */
#define MESSAGES_MAX 65536u

/* Some 4 KB, and room for the message being written. */
#define PROBE_BYTES (256u << 10)

struct nft_kernel {
	struct nft_backend base;
	struct loop *loop_ref;
	struct nlsock *sock;
	struct nft_dump dump;
	struct ct_io *ct;
	struct nft_monitor *monitor;
};

static struct nft_kernel *self(struct nft_backend *b)
{
	return CONTAINER_OF(b, struct nft_kernel, base);
}

/* The first failure is the cause; later ones are its consequences. */
static int report_failure(
	const struct nlwrite *w, const struct nlsock_outcome *outcome, struct err *e)
{
	char what[NFT_BATCH_TEXT_MAX];
	const struct nlerr *first = &outcome->failures[0];
	if (outcome->failure_count == 0)
		return err_set(e, -ENOBUFS, "netfilter did not acknowledge the batch");
	nft_batch_describe(w->buf.data, w->buf.len, first->seq, first->offset, what);
	if (first->text[0] != '\0')
		return err_set_errno(e, first->code, "%s: %s", what, first->text);
	return err_set_errno(e, first->code, "%s", what);
}

static int commit_batch(struct nft_kernel *k, const struct nft_commit *c, struct err *e)
{
	struct nlsock_outcome outcome;
	AUTO(nlwrite_fini)
	struct nlwrite w =
		NLWRITE_INIT(NLWRITE_BATCH_MAX, nlsock_reserve_seq(k->sock, MESSAGES_MAX));
	if (nft_batch_write(&w, c->plan, c->wanted, c->desired, e) < 0)
		return e->code;
	if (w.buf.len > nlsock_send_max(k->sock))
		return err_set(e, -EMSGSIZE, "a batch of %zu bytes, of which the kernel takes %zu",
			w.buf.len, nlsock_send_max(k->sock));
	int code = nlsock_commit(k->sock, w.buf.data, w.buf.len, &outcome, e);
	if (code < 0)
		return code;
	if (!outcome.is_acknowledged || outcome.failure_count > 0)
		return report_failure(&w, &outcome, e);
	(*c->transactions)++;
	return 0;
}

static int commit_pieces(struct nft_kernel *k, const struct nft_commit *whole, struct err *e)
{
	struct nft_split split;
	nft_split_init(&split, whole->plan, nlsock_send_max(k->sock));
	for (;;) {
		AUTO(nft_plan_fini) struct nft_plan piece = {0};
		struct nft_commit c = *whole;
		c.plan = &piece;
		if (!nft_split_next(&split, &piece))
			return 0;
		if (commit_batch(k, &c, e) < 0)
			return e->code;
	}
}

static int commit_whole(struct nft_kernel *k, const struct nft_commit *c, struct err *e)
{
	int code = commit_batch(k, c, e);
	if (code != -EMSGSIZE || c->desired == NULL || c->desired->with_comments)
		return code;
	err_clear(e);
	return commit_pieces(k, c, e);
}

/* A batch whose answers were lost is not counted: if it was committed nevertheless, the monitor
 * treats it as a foreign one, and the tables are read again. */
static int commit(struct nft_backend *b, const struct nft_commit *c, struct err *e)
{
	struct nft_kernel *k = self(b);
	struct nft_commit counted = *c;
	size_t batches = 0;
	counted.transactions = &batches;
	nft_monitor_pause(k->monitor);
	int code = commit_whole(k, &counted, e);
	nft_monitor_resume(k->monitor, batches);
	if (c->transactions != NULL)
		*c->transactions += batches;
	return code;
}

int nft_kernel_probe(
	struct nft_backend *b, enum nft_model_family family, struct nft_probe *out, struct err *e)
{
	struct nft_kernel *k = self(b);
	struct nlsock_outcome outcome;
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(PROBE_BYTES, nlsock_reserve_seq(k->sock, MESSAGES_MAX));
	nft_probe_write(&w, family);
	if (nlwrite_check(&w, e) < 0)
		return e->code;
	int code = nlsock_commit(k->sock, w.buf.data, w.buf.len, &outcome, e);
	if (code < 0)
		return code;
	nft_probe_evaluate(&w, family, &outcome, out);
	return 0;
}

static int read_tables(struct nft_backend *b, struct nft_image *const images[NFT_MODEL_FAMILIES],
	nft_dump_fn fn, void *arg, struct err *e)
{
	struct nft_kernel *k = self(b);
	return nft_dump_start(&k->dump, k->sock, images, fn, arg, e);
}

static int reconcile(struct nft_backend *b, const struct ct_view *view, nft_reconcile_fn fn,
	void *arg, struct err *e)
{
	return ct_io_reconcile(self(b)->ct, view, fn, arg, e);
}

static int watch(struct nft_backend *b, nft_foreign_fn fn, void *arg, struct err *e)
{
	struct nft_kernel *k = self(b);
	if (k->monitor != NULL)
		return err_set(e, -EBUSY, "nf_tables is watched already");
	k->monitor = nft_monitor_new(k->loop_ref, nlsock_port(k->sock), fn, arg, e);
	return k->monitor != NULL ? 0 : e->code;
}

static void kernel_free(struct nft_backend *b)
{
	struct nft_kernel *k = self(b);
	nft_monitor_free(k->monitor);
	ct_io_free(k->ct);
	nlsock_free(k->sock);
	free(k);
}

static const struct nft_backend_ops ops = {
	.commit = commit,
	.read = read_tables,
	.reconcile = reconcile,
	.watch = watch,
	.free = kernel_free,
};

struct nft_backend *nft_kernel_new(struct loop *loop, struct err *e)
{
	struct nft_kernel *k = xcalloc(1, sizeof(*k));
	k->base.ops = &ops;
	k->loop_ref = loop;
	k->sock = nlsock_new(loop, e);
	if (k->sock != NULL)
		k->ct = ct_io_new(loop, e);
	if (k->ct == NULL) {
		kernel_free(&k->base);
		return NULL;
	}
	return &k->base;
}
