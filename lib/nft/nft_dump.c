#include "lib/nft/nft_dump.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_msg.h"
#include "lib/nft/nlsock.h"
#include "lib/nft/nlwrite.h"

/* A program that commits all the time must not keep us from ever finishing a reading. A torn
 * reading looks different from the desired state, and one batch repairs that. */
#define TRIES_MAX 6
#define REQUEST_MAX (80u << 10)

/* Per family: the table, each chain by its name, all sets, all rules, the elements of each set. */
enum {
	STEP_TABLE,
	STEP_CHAINS,
	STEP_SETS = STEP_CHAINS + NFT_SCHEMA_CHAINS,
	STEP_RULES,
	STEP_ELEMENTS,
	STEP_BACKENDS = STEP_ELEMENTS + NFT_SCHEMA_SETS,
	STEP_END,
};

static void on_message(void *arg, const struct nlmsghdr *nlh)
{
	struct nft_dump *d = arg;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(*nfg))
		return;
	uint16_t generation = ntohs(nfg->res_id);
	if (!d->has_generation)
		d->generation = generation;
	else if (d->generation != generation)
		d->is_torn = true;
	d->has_generation = true;
	struct err ignored;
	if (d->e.code == 0 && nft_read_message(&d->read, nlh, &ignored) < 0)
		d->e = ignored;
}

static void write_request(const struct nft_dump *d, struct nlwrite *w)
{
	struct nft_msg_table table = {(enum nft_model_family)d->family, NFT_SCHEMA_TABLE};
	if (d->step == STEP_TABLE) {
		nft_msg_begin(w, &table, NFT_MSG_GETTABLE, NLM_F_ACK);
	} else if (d->step < STEP_SETS) {
		nft_msg_begin(w, &table, NFT_MSG_GETCHAIN, NLM_F_ACK);
		nlwrite_str(w, NFTA_CHAIN_NAME,
			nft_schema_chain((enum nft_schema_chain)(d->step - STEP_CHAINS))->name);
	} else if (d->step == STEP_SETS) {
		nft_msg_begin(w, &table, NFT_MSG_GETSET, NLM_F_DUMP);
	} else if (d->step == STEP_RULES) {
		nft_msg_begin(w, &table, NFT_MSG_GETRULE, NLM_F_DUMP);
	} else {
		const char *name = d->read.anonymous;
		if (d->step < STEP_BACKENDS)
			name = nft_schema_set((enum nft_model_family)d->family,
				(enum nft_schema_set)(d->step - STEP_ELEMENTS))
				       .name;
		nft_msg_begin(w, &table, NFT_MSG_GETSETELEM, NLM_F_DUMP);
		nlwrite_str(w, NFTA_SET_ELEM_LIST_SET, name);
	}
	nlwrite_end(w);
}

static void on_answer(void *arg, const struct nlerr *answer);

static int ask(struct nft_dump *d, struct err *e)
{
	AUTO(nlwrite_fini)
	struct nlwrite w = NLWRITE_INIT(REQUEST_MAX, nlsock_reserve_seq(d->sock_ref, 1));
	write_request(d, &w);
	if (nlwrite_check(&w, e) < 0)
		return e->code;
	return nlsock_ask(d->sock_ref, &w, on_message, on_answer, d, e);
}

static void finish(struct nft_dump *d, int code)
{
	d->fn(d->arg, code, &d->e);
}

static void ask_or_finish(struct nft_dump *d)
{
	struct err e = {0};
	if (ask(d, &e) == 0)
		return;
	d->e = e;
	finish(d, e.code);
}

/* Moves to the first request of this family or the next that is wanted; false when none is left. */
static bool begin_family(struct nft_dump *d)
{
	while (d->family < NFT_MODEL_FAMILIES && d->images_ref[d->family] == NULL)
		d->family++;
	if (d->family == NFT_MODEL_FAMILIES)
		return false;
	d->step = STEP_TABLE;
	nft_read_init(&d->read, (enum nft_model_family)d->family, NFT_SCHEMA_TABLE,
		d->images_ref[d->family]);
	return true;
}

static void begin(struct nft_dump *d)
{
	d->family = 0;
	d->has_generation = false;
	d->is_torn = false;
	d->tries++;
	d->e = (struct err){0};
}

static void end_family(struct nft_dump *d)
{
	nft_read_finish(&d->read);
	d->family++;
	if (begin_family(d)) {
		ask_or_finish(d);
	} else if (d->is_torn && d->tries < TRIES_MAX) {
		begin(d);
		begin_family(d);
		ask_or_finish(d);
	} else {
		finish(d, 0);
	}
}

static void on_answer(void *arg, const struct nlerr *answer)
{
	struct nft_dump *d = arg;
	if (answer->code == -EINTR)
		d->is_torn = true;
	/* The image shows what is missing; for a family without a table the reading is then
	 * complete. */
	bool is_absent = answer->code == -ENOENT ||
			 (d->step == STEP_TABLE &&
				 (answer->code == -EAFNOSUPPORT || answer->code == -EOPNOTSUPP));
	if (answer->code < 0 && answer->code != -EINTR && !is_absent)
		err_set_errno(&d->e, answer->code, "read table %s %s",
			nft_schema_family((enum nft_model_family)d->family)->name,
			NFT_SCHEMA_TABLE);
	if (d->e.code < 0) {
		finish(d, d->e.code);
		return;
	}
	d->step++;
	if (d->step == STEP_BACKENDS && d->read.anonymous[0] == '\0')
		d->step++;
	if (d->step == STEP_END || (is_absent && d->step == STEP_TABLE + 1))
		end_family(d);
	else
		ask_or_finish(d);
}

int nft_dump_start(struct nft_dump *d, struct nlsock *sock,
	struct nft_image *const images[NFT_MODEL_FAMILIES], nft_dump_fn fn, void *arg,
	struct err *e)
{
	*d = (struct nft_dump){.sock_ref = sock, .fn = fn, .arg = arg};
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		d->images_ref[f] = images[f];
	begin(d);
	if (!begin_family(d))
		return err_set(e, -EINVAL, "no family to be read");
	return ask(d, e);
}

void nft_dump_cancel(struct nft_dump *d)
{
	if (d->fn != NULL)
		nlsock_cancel(d->sock_ref);
}
