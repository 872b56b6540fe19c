#include "lib/nft/nft_read.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_canon.h"
#include "lib/nft/nlattrs.h"
#include "lib/nft/nlwalk.h"

#define OWNER_PREFIX "owner="
#define SCHEMA_PREFIX " schema="

/* "" when absent or without an end. */
static const char *text_of(const struct nlattr *attr)
{
	if (attr == NULL)
		return "";
	const char *text = mnl_attr_get_payload(attr);
	return memchr(text, '\0', mnl_attr_get_payload_len(attr)) != NULL ? text : "";
}

static uint32_t number_of(const struct nlattr *attr)
{
	uint32_t wire;
	if (attr == NULL || mnl_attr_get_payload_len(attr) != sizeof(wire))
		return 0;
	memcpy(&wire, mnl_attr_get_payload(attr), sizeof(wire));
	return ntohl(wire);
}

void nft_read_init(struct nft_read *r, enum nft_model_family family, const char *table,
	struct nft_image *image)
{
	*r = (struct nft_read){.family = family, .table_ref = table, .image_ref = image};
	nft_image_fini(image);
}

/* "owner=NAMESPACE/POD schema=N" */
static void read_comment(struct nft_read *r, const char *comment)
{
	const char *schema = comment != NULL ? strstr(comment, SCHEMA_PREFIX) : NULL;
	if (schema == NULL || !str_starts(comment, OWNER_PREFIX))
		return;
	struct err ignored;
	uint64_t number = 0;
	const char *owner = comment + strlen(OWNER_PREFIX);
	if (str_to_u64(schema + strlen(SCHEMA_PREFIX), UINT32_MAX, &number, &ignored) < 0)
		return;
	free(r->image_ref->owner);
	r->image_ref->owner = xstrndup(owner, (size_t)(schema - owner));
	r->schema = (uint32_t)number;
}

static void read_table(struct nft_read *r, const struct nlattrs *a)
{
	r->image_ref->has_table = true;
	r->objects = number_of(a->at[NFTA_TABLE_USE]);
	if (number_of(a->at[NFTA_TABLE_FLAGS]) != 0)
		r->is_foreign = true; /* dormant, or held by a process */
	read_comment(r, nft_canon_comment(a->at[NFTA_TABLE_USERDATA]));
}

static void read_chain(struct nft_read *r, const struct nlattrs *a)
{
	enum nft_schema_chain chain = nft_schema_find_chain(text_of(a->at[NFTA_CHAIN_NAME]));
	if (chain == NFT_SCHEMA_CHAINS) {
		r->is_foreign = true;
		return;
	}
	const struct nft_schema_chain_info *info = nft_schema_chain(chain);
	bool is_base = a->at[NFTA_CHAIN_HOOK] != NULL;
	bool is_ours = is_base == (info->type != NULL);
	if (is_base && info->type != NULL) {
		struct nlattrs hook;
		nlattrs_of_nest(&hook, a->at[NFTA_CHAIN_HOOK]);
		is_ours = number_of(hook.at[NFTA_HOOK_HOOKNUM]) == info->hook &&
			  (int32_t)number_of(hook.at[NFTA_HOOK_PRIORITY]) == info->priority &&
			  number_of(a->at[NFTA_CHAIN_POLICY]) == NF_ACCEPT &&
			  strcmp(text_of(a->at[NFTA_CHAIN_TYPE]), info->type) == 0;
	}
	if (is_ours)
		r->chains_seen |= 1u << chain;
	else
		r->is_foreign = true;
}

static void read_set(struct nft_read *r, const struct nlattrs *a)
{
	const char *name = text_of(a->at[NFTA_SET_NAME]);
	enum nft_schema_set set = nft_schema_find_set(name);
	if (set == NFT_SCHEMA_SETS && str_starts(name, NFT_SCHEMA_ANONYMOUS_PREFIX) &&
		strlen(name) < sizeof(r->anonymous) && r->anonymous[0] == '\0') {
		snprintf(r->anonymous, sizeof(r->anonymous), "%s", name);
		set = NFT_SCHEMA_BACKENDS;
	} else if (set == NFT_SCHEMA_SETS) {
		r->is_foreign = true;
		return;
	}
	struct nft_schema_set_info info = nft_schema_set(r->family, set);
	bool is_ours = number_of(a->at[NFTA_SET_FLAGS]) == info.flags &&
		       number_of(a->at[NFTA_SET_KEY_LEN]) == info.key_len &&
		       number_of(a->at[NFTA_SET_KEY_TYPE]) == info.key_type &&
		       number_of(a->at[NFTA_SET_DATA_LEN]) == info.data_len;
	if (is_ours && info.data_len > 0)
		is_ours = number_of(a->at[NFTA_SET_DATA_TYPE]) == info.data_type;
	if (!is_ours)
		r->is_foreign = true;
	else if (set != NFT_SCHEMA_BACKENDS)
		r->sets_seen |= 1u << set;
}

/* The address of `immediate` in a rule that translates the source is our own. */
static void read_own(struct nft_read *r, const struct nlattr *expressions)
{
	const struct nlattr *element;
	size_t len = nft_schema_family(r->family)->addr_len;
	mnl_attr_for_each_nested(element, expressions)
	{
		struct nlattrs expr;
		struct nlattrs fields;
		struct nlattrs data;
		nlattrs_of_nest(&expr, element);
		if (strcmp(text_of(expr.at[NFTA_EXPR_NAME]), "immediate") != 0 ||
			expr.at[NFTA_EXPR_DATA] == NULL)
			continue;
		nlattrs_of_nest(&fields, expr.at[NFTA_EXPR_DATA]);
		if (fields.at[NFTA_IMMEDIATE_DATA] == NULL)
			continue;
		nlattrs_of_nest(&data, fields.at[NFTA_IMMEDIATE_DATA]);
		const struct nlattr *value = data.at[NFTA_DATA_VALUE];
		if (value == NULL || mnl_attr_get_payload_len(value) != len)
			continue;
		r->image_ref->own = (struct ipaddr){
			.family = r->family == NFT_MODEL_V4 ? IPADDR_V4 : IPADDR_V6};
		memcpy(r->image_ref->own.bytes, mnl_attr_get_payload(value), len);
	}
}

static int read_rule(struct nft_read *r, const struct nlattrs *a, struct err *e)
{
	enum nft_schema_chain chain = nft_schema_find_chain(text_of(a->at[NFTA_RULE_CHAIN]));
	AUTO(buf_fini) struct buf text = BUF_INIT(NFT_CANON_MAX);
	if (chain == NFT_SCHEMA_CHAINS || ++r->rules > NFT_READ_RULES_MAX) {
		r->is_foreign = true;
		return 0;
	}
	int code =
		nft_canon_rule(a->at[NFTA_RULE_EXPRESSIONS], a->at[NFTA_RULE_USERDATA], &text, e);
	if (code == -EMSGSIZE) {
		/* Far longer than any of ours. */
		r->is_foreign = true;
		return 0;
	}
	if (code < 0)
		return code;
	strv_push(&r->image_ref->rules[chain], buf_cstr(&text));
	if (chain == NFT_SCHEMA_POSTROUTING && a->at[NFTA_RULE_EXPRESSIONS] != NULL)
		read_own(r, a->at[NFTA_RULE_EXPRESSIONS]);
	return 0;
}

/* The value within a nest of key or data, of exactly this length. */
static bool read_value(const struct nlattr *nest, uint8_t *out, size_t len)
{
	struct nlattrs data;
	if (nest == NULL)
		return false;
	nlattrs_of_nest(&data, nest);
	const struct nlattr *value = data.at[NFTA_DATA_VALUE];
	if (value == NULL || mnl_attr_get_payload_len(value) != len)
		return false;
	memcpy(out, mnl_attr_get_payload(value), len);
	return true;
}

static void read_elem(struct nft_read *r, enum nft_schema_set set, const struct nlattr *nest)
{
	struct nft_schema_set_info info = nft_schema_set(r->family, set);
	struct nft_elems *elems =
		set == NFT_SCHEMA_BACKENDS ? &r->image_ref->backends : &r->image_ref->sets[set];
	struct nft_elem elem = {0};
	struct nlattrs a;
	nlattrs_of_nest(&a, nest);
	bool is_ours = read_value(a.at[NFTA_SET_ELEM_KEY], elem.key, info.key_len) &&
		       a.at[NFTA_SET_ELEM_FLAGS] == NULL;
	if (is_ours && info.data_len > 0)
		is_ours = read_value(a.at[NFTA_SET_ELEM_DATA], elem.data, info.data_len);
	if (!is_ours || elems->len >= NFT_READ_ELEMS_MAX) {
		r->is_foreign = true;
		return;
	}
	const char *comment = nft_canon_comment(a.at[NFTA_SET_ELEM_USERDATA]);
	AUTO(mem_free) char *copy = xstrdup(comment);
	elem.comment = copy;
	nft_elems_add(elems, &elem);
}

static void read_elems(struct nft_read *r, const struct nlattrs *a)
{
	const char *name = text_of(a->at[NFTA_SET_ELEM_LIST_SET]);
	const struct nlattr *nest;
	enum nft_schema_set set = nft_schema_find_set(name);
	if (set == NFT_SCHEMA_SETS && (r->anonymous[0] == '\0' || strcmp(name, r->anonymous) != 0))
		return; /* of a set that is known to be foreign */
	if (a->at[NFTA_SET_ELEM_LIST_ELEMENTS] == NULL)
		return;
	mnl_attr_for_each_nested(nest, a->at[NFTA_SET_ELEM_LIST_ELEMENTS])
	{
		read_elem(r, set, nest);
	}
}

int nft_read_message(struct nft_read *r, const struct nlmsghdr *nlh, struct err *e)
{
	struct nlattrs a;
	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
		nlh->nlmsg_len < MNL_NLMSG_HDRLEN + sizeof(struct nfgenmsg))
		return 0;
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	nlattrs_of_message(&a, nlh);
	/* The first attribute names the table for all kinds of objects. */
	if (nfg->nfgen_family != nft_schema_family(r->family)->nfproto ||
		strcmp(text_of(a.at[NFTA_TABLE_NAME]), r->table_ref) != 0)
		return 0;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		read_table(r, &a);
		return 0;
	case NFT_MSG_NEWCHAIN:
		read_chain(r, &a);
		return 0;
	case NFT_MSG_NEWSET:
		read_set(r, &a);
		return 0;
	case NFT_MSG_NEWRULE:
		return read_rule(r, &a, e);
	case NFT_MSG_NEWSETELEM:
		read_elems(r, &a);
		return 0;
	default:
		return 0;
	}
}

void nft_read_finish(struct nft_read *r)
{
	struct nft_image *image = r->image_ref;
	/* An anonymous set belongs to its rule and is not counted. */
	uint32_t expected = NFT_SCHEMA_CHAINS + NFT_SCHEMA_SETS;
	image->is_schema_current = image->has_table && !r->is_foreign &&
				   r->chains_seen == (1u << NFT_SCHEMA_CHAINS) - 1 &&
				   r->sets_seen == (1u << NFT_SCHEMA_SETS) - 1 &&
				   r->objects == expected &&
				   (r->schema == 0 || r->schema == NFT_SCHEMA_VERSION);
	for (int set = 0; set < NFT_SCHEMA_SETS; set++)
		nft_elems_sort(&image->sets[set]);
	nft_elems_sort(&image->backends);
}

int nft_read_own_rules(struct nft_read *r, const void *messages, size_t len, struct err *e)
{
	struct nlwalk walk = NLWALK_INIT(messages, len);
	const struct nlmsghdr *nlh;
	while ((nlh = nlwalk_next(&walk)) != NULL) {
		if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWRULE))
			continue;
		int code = nft_read_message(r, nlh, e);
		if (code < 0)
			return code;
	}
	return 0;
}
