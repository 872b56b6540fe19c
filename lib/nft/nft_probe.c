#include "lib/nft/nft_probe.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_batch.h"
#include "lib/nft/nft_msg.h"
#include "lib/nft/nft_rule.h"
#include "lib/nft/nlwalk.h"

#define PROBE_TABLE "ts_sidecar_probe"
#define NUMGEN "numgen"
#define CAPABILITY "CAP_NET_ADMIN in the user namespace that owns the network namespace"

/* One of everything that affects the rules. */
static void want_everything(
	struct nft_wanted_family *w, enum nft_model_family family, struct ipaddr backends[2])
{
	struct ipaddr any = {.family = family == NFT_MODEL_V4 ? IPADDR_V4 : IPADDR_V6};
	memset(any.bytes, 1, nft_schema_family(family)->addr_len);
	backends[0] = any;
	backends[1] = any;
	*w = (struct nft_wanted_family){
		.is_enabled = true,
		.own = any,
		.balanced_from = any,
		.catch_all = any,
		.backends = {.items = backends, .len = 2},
	};
}

void nft_probe_write(struct nlwrite *w, enum nft_model_family family)
{
	struct ipaddr backends[2];
	struct nft_wanted_family everything;
	struct nft_msg_table table = {family, PROBE_TABLE};
	struct nft_rule_scope scope = {family, PROBE_TABLE, "tailscale0", &everything};
	struct nft_elem elem = {.key = {1}, .data = {1}};
	const struct nft_elem *items[] = {&elem};
	struct nft_elem_refs refs = {.items = items, .len = 1};
	want_everything(&everything, family, backends);
	nft_msg_batch_begin(w);
	nft_msg_new_table(w, &table, 0, NULL);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_new_set(w, &table, (enum nft_schema_set)set);
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++)
		nft_msg_new_chain(w, &table, (enum nft_schema_chain)chain);
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++)
		nft_rule_write_chain(w, &scope, (enum nft_schema_chain)chain);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_new_elems(w, &table, (enum nft_schema_set)set, &refs, false);
	/* The table exists by now, so this fails and nothing of the batch is committed. */
	nft_msg_new_table(w, &table, NLM_F_EXCL, NULL);
	nft_msg_batch_end(w);
}

/* The evaluation of the answers to one probe. */
struct evaluation {
	const struct nlwrite *batch;
	enum nft_model_family family;
	uint32_t last; /* number of the message that must fail */
	bool lacks_set;
	bool lacks_chain;
	struct nft_probe *out;
};

static const struct nlmsghdr *find_message(const struct evaluation *ev, uint32_t seq)
{
	struct nlwalk walk = NLWALK_INIT(ev->batch->buf.data, ev->batch->buf.len);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlh->nlmsg_seq == seq)
			return nlh;
	}
	return NULL;
}

/* The expression of a rule that holds the byte at offset; "" when it is another part of it. */
static const char *find_expression(const struct nlmsghdr *nlh, uint32_t offset)
{
	const struct nlattr *attr;
	const struct nlattr *expr;
	const struct nlattr *field;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) != NFTA_RULE_EXPRESSIONS)
			continue;
		mnl_attr_for_each_nested(expr, attr)
		{
			size_t start = (size_t)((const char *)expr - (const char *)nlh);
			if (offset < start || offset >= start + expr->nla_len)
				continue;
			mnl_attr_for_each_nested(field, expr)
			{
				if (mnl_attr_get_type(field) == NFTA_EXPR_NAME)
					return mnl_attr_get_str(field);
			}
		}
	}
	return "";
}

/* "nat" or "filter". */
static const char *chain_type(const struct evaluation *ev, uint32_t seq)
{
	const struct nlmsghdr *nlh = find_message(ev, seq);
	const struct nlattr *attr;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_CHAIN_TYPE)
			return mnl_attr_get_str(attr);
	}
	return "";
}

/* Adds each expression once, with the first rule that needs it. */
static void miss_expression(struct evaluation *ev, const char *name, const char *what)
{
	AUTO(mem_free) char *item = xasprintf("expression %s (", name);
	for (size_t i = 0; i < ev->out->missing.len; i++) {
		if (str_starts(ev->out->missing.items[i], item))
			return;
	}
	strv_pushf(&ev->out->missing, "%s%s)", item, what);
}

static void miss_rule(struct evaluation *ev, const struct nlerr *failure, const char *what)
{
	const struct nlmsghdr *nlh = find_message(ev, failure->seq);
	const char *name = nlh != NULL ? find_expression(nlh, failure->offset) : "";
	if (strcmp(name, NUMGEN) == 0) {
		ev->out->has_numgen = false;
		return;
	}
	/* Rules cannot find a set or chain that could not be made. */
	if ((ev->lacks_set && strcmp(name, "lookup") == 0) ||
		(ev->lacks_chain && (name[0] == '\0' || strcmp(name, "immediate") == 0)))
		return;
	ev->out->is_supported = false;
	if (name[0] != '\0')
		miss_expression(ev, name, what);
	else
		strv_pushf(&ev->out->missing, "%s: %s", what, strerror(-failure->code));
}

static void miss(struct evaluation *ev, const struct nlerr *failure)
{
	char what[NFT_BATCH_TEXT_MAX];
	const char *family = nft_schema_family(ev->family)->name;
	const void *bytes = ev->batch->buf.data;
	int kind = nft_batch_kind(bytes, ev->batch->buf.len, failure->seq);
	nft_batch_describe(bytes, ev->batch->buf.len, failure->seq, failure->offset, what);
	if (kind == NFT_MSG_NEWRULE && failure->code == -ENOENT) {
		miss_rule(ev, failure, what);
		return;
	}
	if (kind == NFT_MSG_NEWSETELEM && failure->code == -ENOENT && ev->lacks_set)
		return;
	ev->lacks_set |= kind == NFT_MSG_NEWSET;
	ev->lacks_chain |= kind == NFT_MSG_NEWCHAIN;
	ev->out->is_supported = false;
	if (failure->code == -EPERM) {
		ev->out->is_forbidden = true;
		strv_push(&ev->out->missing, CAPABILITY);
	} else if (kind < 0 && failure->code == -EOPNOTSUPP) {
		strv_push(&ev->out->missing, "nf_tables");
	} else if (kind == NFT_MSG_NEWTABLE &&
		   (failure->code == -EOPNOTSUPP || failure->code == -EAFNOSUPPORT)) {
		strv_pushf(&ev->out->missing, "family %s of nf_tables", family);
	} else if (kind == NFT_MSG_NEWCHAIN && failure->code == -ENOENT) {
		strv_pushf(&ev->out->missing, "chain type %s (%s)", chain_type(ev, failure->seq),
			what);
	} else {
		strv_pushf(&ev->out->missing, "%s: %s", what, strerror(-failure->code));
	}
}

/* Without the table, or nf_tables as a whole, every later message fails too, which proves
 * nothing. */
static bool is_cause_of_all(const struct evaluation *ev, const struct nlerr *failure)
{
	int kind = nft_batch_kind(ev->batch->buf.data, ev->batch->buf.len, failure->seq);
	return kind < 0 || (kind == NFT_MSG_NEWTABLE && failure->seq != ev->last);
}

void nft_probe_evaluate(const struct nlwrite *batch, enum nft_model_family family,
	const struct nlsock_outcome *outcome, struct nft_probe *out)
{
	struct evaluation ev = {
		.batch = batch, .family = family, .last = batch->next_seq - 2, .out = out};
	bool has_ended = false;
	out->is_supported = true;
	out->has_numgen = true;
	for (size_t i = 0; i < outcome->failure_count && i < NLSOCK_FAILURES_MAX; i++) {
		const struct nlerr *failure = &outcome->failures[i];
		if (failure->seq == ev.last && failure->code == -EEXIST) {
			has_ended = true;
			continue;
		}
		miss(&ev, failure);
		if (is_cause_of_all(&ev, failure))
			return;
	}
	if (!has_ended && out->missing.len == 0) {
		out->is_supported = false;
		strv_push(&out->missing, "an answer to the probe");
	}
}

int nft_probe_check(const struct nft_probe *probe, enum nft_model_family family, struct err *e)
{
	if (probe->is_supported)
		return 0;
	if (probe->is_forbidden)
		return err_set(e, -EPERM, "the firewall may not be changed: no " CAPABILITY);
	AUTO(mem_free) char *missing = strv_join(&probe->missing, "; ");
	return err_set(e, -EOPNOTSUPP, "nf_tables of this kernel lacks for %s: %s",
		family == NFT_MODEL_V4 ? "IPv4" : "IPv6", missing);
}

void nft_probe_fini(struct nft_probe *probe)
{
	strv_fini(&probe->missing);
}
