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

/* One of everything that rules are made from. */
static void wish_everything(
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
	wish_everything(&everything, family, backends);
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
	/* It is there by now: whatever went well before, nothing is committed. */
	nft_msg_new_table(w, &table, NLM_F_EXCL, NULL);
	nft_msg_batch_end(w);
}

/* What is missing when a message of this kind fails. */
struct judge {
	const struct nlwrite *batch;
	enum nft_model_family family;
	uint32_t last; /* number of the message that must fail */
	bool lacks_set;
	bool lacks_chain;
	struct nft_probe *out;
};

static const struct nlmsghdr *find_message(const struct judge *j, uint32_t seq)
{
	struct nlwalk walk = NLWALK_INIT(j->batch->buf.data, j->batch->buf.len);
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
static const char *chain_type(const struct judge *j, uint32_t seq)
{
	const struct nlmsghdr *nlh = find_message(j, seq);
	const struct nlattr *attr;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == NFTA_CHAIN_TYPE)
			return mnl_attr_get_str(attr);
	}
	return "";
}

/* Each expression once, with the first rule that needs it. */
static void miss_expression(struct judge *j, const char *name, const char *what)
{
	AUTO(mem_free) char *item = xasprintf("expression %s (", name);
	for (size_t i = 0; i < j->out->missing.len; i++) {
		if (str_starts(j->out->missing.items[i], item))
			return;
	}
	strv_pushf(&j->out->missing, "%s%s)", item, what);
}

static void miss_rule(struct judge *j, const struct nlerr *failure, const char *what)
{
	const struct nlmsghdr *nlh = find_message(j, failure->seq);
	const char *name = nlh != NULL ? find_expression(nlh, failure->offset) : "";
	if (strcmp(name, NUMGEN) == 0) {
		j->out->has_numgen = false;
		return;
	}
	/* A set or chain that could not be made is not found by the rules either. */
	if ((j->lacks_set && strcmp(name, "lookup") == 0) ||
		(j->lacks_chain && (name[0] == '\0' || strcmp(name, "immediate") == 0)))
		return;
	j->out->is_supported = false;
	if (name[0] != '\0')
		miss_expression(j, name, what);
	else
		strv_pushf(&j->out->missing, "%s: %s", what, strerror(-failure->code));
}

static void miss(struct judge *j, const struct nlerr *failure)
{
	char what[NFT_BATCH_TEXT_MAX];
	const char *family = nft_schema_family(j->family)->name;
	const void *bytes = j->batch->buf.data;
	int kind = nft_batch_kind(bytes, j->batch->buf.len, failure->seq);
	nft_batch_describe(bytes, j->batch->buf.len, failure->seq, failure->offset, what);
	if (kind == NFT_MSG_NEWRULE && failure->code == -ENOENT) {
		miss_rule(j, failure, what);
		return;
	}
	if (kind == NFT_MSG_NEWSETELEM && failure->code == -ENOENT && j->lacks_set)
		return;
	j->lacks_set |= kind == NFT_MSG_NEWSET;
	j->lacks_chain |= kind == NFT_MSG_NEWCHAIN;
	j->out->is_supported = false;
	if (failure->code == -EPERM) {
		j->out->is_forbidden = true;
		strv_push(&j->out->missing, CAPABILITY);
	} else if (kind < 0 && failure->code == -EOPNOTSUPP) {
		strv_push(&j->out->missing, "nf_tables");
	} else if (kind == NFT_MSG_NEWTABLE &&
		   (failure->code == -EOPNOTSUPP || failure->code == -EAFNOSUPPORT)) {
		strv_pushf(&j->out->missing, "family %s of nf_tables", family);
	} else if (kind == NFT_MSG_NEWCHAIN && failure->code == -ENOENT) {
		strv_pushf(
			&j->out->missing, "chain type %s (%s)", chain_type(j, failure->seq), what);
	} else {
		strv_pushf(&j->out->missing, "%s: %s", what, strerror(-failure->code));
	}
}

/* Without a table, or the whole, everything behind it fails too and says nothing. */
static bool is_cause_of_all(const struct judge *j, const struct nlerr *failure)
{
	int kind = nft_batch_kind(j->batch->buf.data, j->batch->buf.len, failure->seq);
	return kind < 0 || (kind == NFT_MSG_NEWTABLE && failure->seq != j->last);
}

void nft_probe_judge(const struct nlwrite *batch, enum nft_model_family family,
	const struct nlsock_outcome *outcome, struct nft_probe *out)
{
	struct judge j = {
		.batch = batch, .family = family, .last = batch->next_seq - 2, .out = out};
	bool has_ended = false;
	out->is_supported = true;
	out->has_numgen = true;
	for (size_t i = 0; i < outcome->failure_count && i < NLSOCK_FAILURES_MAX; i++) {
		const struct nlerr *failure = &outcome->failures[i];
		if (failure->seq == j.last && failure->code == -EEXIST) {
			has_ended = true;
			continue;
		}
		miss(&j, failure);
		if (is_cause_of_all(&j, failure))
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
