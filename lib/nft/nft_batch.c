#include "lib/nft/nft_batch.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <string.h>

#include "lib/nft/nft_canon.h"
#include "lib/nft/nft_msg.h"
#include "lib/nft/nft_rule.h"
#include "lib/nft/nlwalk.h"

#define COMMENT_MAX (NFT_MODEL_COMMENT_MAX + 1)

/* The inputs of the batch of one family. */
struct scope {
	struct nft_msg_table table;
	struct nft_rule_scope rules;
	const struct nft_plan_family *plan;
	const struct nft_desired *desired;
};

static void write_table(struct nlwrite *w, const struct scope *s)
{
	char comment[COMMENT_MAX];
	snprintf(comment, sizeof(comment), "owner=%s schema=%d",
		s->desired->images[s->table.family].owner, NFT_SCHEMA_VERSION);
	bool is_anew = s->plan->kind == NFT_PLAN_REBUILD || s->plan->kind == NFT_PLAN_PREPARE;
	if (is_anew) {
		/* Makes sure that the removal cannot fail. */
		nft_msg_new_table(w, &s->table, 0, NULL);
		nft_msg_del_table(w, &s->table);
	}
	nft_msg_new_table(w, &s->table, s->plan->kind == NFT_PLAN_CREATE ? NLM_F_EXCL : 0, comment);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_new_set(w, &s->table, (enum nft_schema_set)set);
}

static void write_chains(struct nlwrite *w, const struct scope *s)
{
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++)
		nft_msg_new_chain(w, &s->table, (enum nft_schema_chain)chain);
}

static void flush_sets(struct nlwrite *w, const struct scope *s)
{
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_flush_set(w, &s->table, (enum nft_schema_set)set);
}

static void write_rules(struct nlwrite *w, const struct scope *s)
{
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++) {
		if ((s->plan->chains & 1u << chain) != 0)
			nft_msg_flush_chain(w, &s->table, (enum nft_schema_chain)chain);
	}
	for (int chain = 0; chain < NFT_SCHEMA_CHAINS; chain++) {
		if ((s->plan->chains & 1u << chain) != 0)
			nft_rule_write_chain(w, &s->rules, (enum nft_schema_chain)chain);
	}
}

static void write_elements(struct nlwrite *w, const struct scope *s)
{
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_del_elems(w, &s->table, (enum nft_schema_set)set, &s->plan->removed[set]);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_msg_new_elems(w, &s->table, (enum nft_schema_set)set, &s->plan->added[set],
			s->desired->with_comments);
}

static void write_family(struct nlwrite *w, const struct scope *s)
{
	switch (s->plan->kind) {
	case NFT_PLAN_NONE:
		return;
	case NFT_PLAN_REMOVE:
		nft_msg_new_table(w, &s->table, 0, NULL);
		nft_msg_del_table(w, &s->table);
		return;
	case NFT_PLAN_FULL:
	case NFT_PLAN_REBUILD:
		write_table(w, s);
		write_chains(w, s);
		flush_sets(w, s);
		break;
	case NFT_PLAN_CREATE:
		write_table(w, s);
		write_chains(w, s);
		break;
	case NFT_PLAN_PREPARE:
		write_table(w, s);
		break;
	case NFT_PLAN_ENABLE:
		write_chains(w, s);
		break;
	case NFT_PLAN_DELTA:
		break;
	}
	write_rules(w, s);
	write_elements(w, s);
}

int nft_batch_write(struct nlwrite *w, const struct nft_plan *plan, const struct nft_wanted *wanted,
	const struct nft_desired *desired, struct err *e)
{
	nft_msg_batch_begin(w);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		struct scope s = {
			.table = {(enum nft_model_family)f, NFT_SCHEMA_TABLE},
			.plan = &plan->families[f],
			.desired = desired,
		};
		if (wanted != NULL)
			s.rules = (struct nft_rule_scope){(enum nft_model_family)f,
				NFT_SCHEMA_TABLE, wanted->tun, &wanted->families[f]};
		write_family(w, &s);
	}
	nft_msg_batch_end(w);
	return nlwrite_check(w, e);
}

static const struct nlmsghdr *find_message(const void *bytes, size_t len, uint32_t seq)
{
	struct nlwalk walk = NLWALK_INIT(bytes, len);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlh->nlmsg_seq == seq &&
			nlh->nlmsg_len >= MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
			return nlh;
	}
	return NULL;
}

static const struct nlattr *find_attr(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr;
	mnl_attr_for_each(attr, nlh, sizeof(struct nfgenmsg))
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static const struct nlattr *find_nested(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attr;
	if (nest == NULL)
		return NULL;
	mnl_attr_for_each_nested(attr, nest)
	{
		if (mnl_attr_get_type(attr) == type)
			return attr;
	}
	return NULL;
}

static const char *attr_text(const struct nlmsghdr *nlh, uint16_t type)
{
	const struct nlattr *attr = find_attr(nlh, type);
	if (attr == NULL)
		return "?";
	const char *text = mnl_attr_get_payload(attr);
	return memchr(text, '\0', mnl_attr_get_payload_len(attr)) != NULL ? text : "?";
}

/* The element that holds the byte at offset. */
static const struct nlattr *find_elem(const struct nlmsghdr *nlh, uint32_t offset)
{
	const struct nlattr *list = find_attr(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
	const struct nlattr *elem;
	if (list == NULL || offset == 0)
		return NULL;
	mnl_attr_for_each_nested(elem, list)
	{
		size_t start = (size_t)((const char *)elem - (const char *)nlh);
		if (offset >= start && offset < start + elem->nla_len)
			return elem;
	}
	return NULL;
}

static void describe_elem(
	const struct nlmsghdr *nlh, enum nft_model_family family, uint32_t offset, char *out)
{
	char key_text[NFT_ELEM_TEXT_MAX];
	uint8_t key[NFT_SCHEMA_KEY_MAX] = {0};
	size_t len = strlen(out);
	const char *name = attr_text(nlh, NFTA_SET_ELEM_LIST_SET);
	enum nft_schema_set set = nft_schema_find_set(name);
	const struct nlattr *elem = find_elem(nlh, offset);
	snprintf(out + len, NFT_BATCH_TEXT_MAX - len, ", elements of %s", name);
	const struct nlattr *value =
		find_nested(find_nested(elem, NFTA_SET_ELEM_KEY), NFTA_DATA_VALUE);
	if (value == NULL || mnl_attr_get_payload_len(value) > sizeof(key))
		return;
	memcpy(key, mnl_attr_get_payload(value), mnl_attr_get_payload_len(value));
	const char *comment = nft_canon_comment(find_nested(elem, NFTA_SET_ELEM_USERDATA));
	snprintf(out + len, NFT_BATCH_TEXT_MAX - len, ", element %s of %s%s%s%s",
		nft_elem_format(family, set, key, key_text), name, comment != NULL ? " (" : "",
		comment != NULL ? comment : "", comment != NULL ? ")" : "");
}

int nft_batch_kind(const void *bytes, size_t len, uint32_t seq)
{
	const struct nlmsghdr *nlh = find_message(bytes, len, seq);
	if (nlh == NULL || nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return -1;
	return nlh->nlmsg_type & 0xff;
}

void nft_batch_describe(const void *bytes, size_t len, uint32_t seq, uint32_t offset,
	char out[static NFT_BATCH_TEXT_MAX])
{
	const struct nlmsghdr *nlh = find_message(bytes, len, seq);
	snprintf(out, NFT_BATCH_TEXT_MAX, "the batch as a whole");
	if (nlh == NULL || nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	enum nft_model_family family =
		nfg->nfgen_family == NFPROTO_IPV6 ? NFT_MODEL_V6 : NFT_MODEL_V4;
	int at = snprintf(out, NFT_BATCH_TEXT_MAX, "table %s %.64s",
		nft_schema_family(family)->name, attr_text(nlh, NFTA_TABLE_NAME));
	const char *comment = NULL;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWSET:
		snprintf(out + at, NFT_BATCH_TEXT_MAX - (size_t)at, ", set %s",
			attr_text(nlh, NFTA_SET_NAME));
		break;
	case NFT_MSG_NEWCHAIN:
		snprintf(out + at, NFT_BATCH_TEXT_MAX - (size_t)at, ", chain %s",
			attr_text(nlh, NFTA_CHAIN_NAME));
		break;
	case NFT_MSG_NEWRULE:
	case NFT_MSG_DELRULE:
		comment = nft_canon_comment(find_attr(nlh, NFTA_RULE_USERDATA));
		snprintf(out + at, NFT_BATCH_TEXT_MAX - (size_t)at, ", chain %s, %s%s",
			attr_text(nlh, NFTA_RULE_CHAIN), comment != NULL ? "rule " : "all rules",
			comment != NULL ? comment : "");
		break;
	case NFT_MSG_NEWSETELEM:
	case NFT_MSG_DELSETELEM:
		describe_elem(nlh, family, offset, out);
		break;
	default:
		break;
	}
}
