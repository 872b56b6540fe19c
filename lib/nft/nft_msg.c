#include "lib/nft/nft_msg.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>

#include "lib/nft/nft_expr.h"

/* A list of elements is one attribute; a new message begins before this many bytes. */
#define ELEMS_MESSAGE_MAX 60000u

/* User data is a list of type, length, value. Type 0 is the comment of tables, rules and
 * elements. */
#define UDATA_COMMENT 0
#define UDATA_HEADER 2
#define UDATA_MAX (UDATA_HEADER + NFT_MODEL_COMMENT_MAX + 1)

void nft_msg_batch_begin(struct nlwrite *w)
{
	nlwrite_begin(w, NFNL_MSG_BATCH_BEGIN, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nlwrite_end(w);
}

void nft_msg_batch_end(struct nlwrite *w)
{
	/* Only messages between the two are answered. */
	nlwrite_flag_last(w, NLM_F_ACK);
	nlwrite_begin(w, NFNL_MSG_BATCH_END, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES);
	nlwrite_end(w);
}

void nft_msg_begin(
	struct nlwrite *w, const struct nft_msg_table *table, uint8_t kind, uint16_t flags)
{
	/* The first attribute is the name of the table for every kind of object. */
	_Static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
			       NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1,
		"number of the attribute that names the table");
	nlwrite_begin(w, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | kind), flags,
		nft_schema_family(table->family)->nfproto, 0);
	nlwrite_str(w, NFTA_TABLE_NAME, table->name);
}

void nft_msg_comment(struct nlwrite *w, uint16_t type, const char *comment)
{
	uint8_t udata[UDATA_MAX];
	if (comment == NULL)
		return;
	size_t len = str_cut(comment, strlen(comment), NFT_MODEL_COMMENT_MAX);
	udata[0] = UDATA_COMMENT;
	udata[1] = (uint8_t)(len + 1);
	memcpy(udata + UDATA_HEADER, comment, len);
	udata[UDATA_HEADER + len] = '\0';
	nlwrite_bytes(w, type, udata, UDATA_HEADER + len + 1);
}

void nft_msg_new_table(
	struct nlwrite *w, const struct nft_msg_table *table, uint16_t flags, const char *comment)
{
	nft_msg_begin(w, table, NFT_MSG_NEWTABLE, NLM_F_CREATE | flags);
	nlwrite_u32(w, NFTA_TABLE_FLAGS, 0);
	nft_msg_comment(w, NFTA_TABLE_USERDATA, comment);
	nlwrite_end(w);
}

void nft_msg_del_table(struct nlwrite *w, const struct nft_msg_table *table)
{
	nft_msg_begin(w, table, NFT_MSG_DELTABLE, 0);
	nlwrite_end(w);
}

/* Kernels before 6.0 look through the sets of all tables of a batch: never one number twice. */
uint32_t nft_msg_set_id(enum nft_model_family family, enum nft_schema_set set)
{
	return 1 + (uint32_t)family * (NFT_SCHEMA_BACKENDS + 1) + (uint32_t)set;
}

/* How nft(8) prints keys and data of the anonymous map: the set carries the byte order of both
 * (types 0 and 1, BYTEORDER_HOST_ENDIAN and BYTEORDER_BIG_ENDIAN of its src/datatype.h). */
static void put_byte_order(struct nlwrite *w)
{
	enum {
		KEY_ORDER = 0,
		DATA_ORDER = 1
	};
	static const uint32_t host = 1;
	static const uint32_t big = 2;
	uint8_t udata[2 * (UDATA_HEADER + sizeof(uint32_t))];
	uint8_t *at = udata;
	*at++ = KEY_ORDER;
	*at++ = sizeof(host);
	memcpy(at, &host, sizeof(host));
	at += sizeof(host);
	*at++ = DATA_ORDER;
	*at++ = sizeof(big);
	memcpy(at, &big, sizeof(big));
	nlwrite_bytes(w, NFTA_SET_USERDATA, udata, sizeof(udata));
}

void nft_msg_new_set(struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_set set)
{
	struct nft_schema_set_info info = nft_schema_set(table->family, set);
	nft_msg_begin(w, table, NFT_MSG_NEWSET, NLM_F_CREATE);
	nlwrite_str(w, NFTA_SET_NAME, info.name);
	nlwrite_u32(w, NFTA_SET_FLAGS, info.flags);
	nlwrite_u32(w, NFTA_SET_KEY_TYPE, info.key_type);
	nlwrite_u32(w, NFTA_SET_KEY_LEN, info.key_len);
	if (info.data_len > 0) {
		nlwrite_u32(w, NFTA_SET_DATA_TYPE, info.data_type);
		nlwrite_u32(w, NFTA_SET_DATA_LEN, info.data_len);
	}
	/* No size: the kernel would choose a table of fixed size with an upper limit. */
	nlwrite_u32(w, NFTA_SET_ID, nft_msg_set_id(table->family, set));
	if (set == NFT_SCHEMA_BACKENDS)
		put_byte_order(w);
	nlwrite_end(w);
}

void nft_msg_new_chain(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_chain chain)
{
	const struct nft_schema_chain_info *info = nft_schema_chain(chain);
	nft_msg_begin(w, table, NFT_MSG_NEWCHAIN, NLM_F_CREATE);
	nlwrite_str(w, NFTA_CHAIN_NAME, info->name);
	if (info->type != NULL) {
		struct nlattr *hook = nlwrite_nest(w, NFTA_CHAIN_HOOK);
		nlwrite_u32(w, NFTA_HOOK_HOOKNUM, info->hook);
		nlwrite_u32(w, NFTA_HOOK_PRIORITY, (uint32_t)info->priority);
		nlwrite_nest_end(w, hook);
		nlwrite_u32(w, NFTA_CHAIN_POLICY, NF_ACCEPT);
		nlwrite_str(w, NFTA_CHAIN_TYPE, info->type);
	}
	nlwrite_end(w);
}

void nft_msg_flush_chain(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_chain chain)
{
	/* Without a handle: all rules of the chain. */
	nft_msg_begin(w, table, NFT_MSG_DELRULE, 0);
	nlwrite_str(w, NFTA_RULE_CHAIN, nft_schema_chain(chain)->name);
	nlwrite_end(w);
}

void nft_msg_flush_set(
	struct nlwrite *w, const struct nft_msg_table *table, enum nft_schema_set set)
{
	/* Without elements: all of them. */
	nft_msg_begin(w, table, NFT_MSG_DELSETELEM, 0);
	nlwrite_str(w, NFTA_SET_ELEM_LIST_SET, nft_schema_set(table->family, set).name);
	nlwrite_end(w);
}

/* How elements are written: in full, or only their keys. */
struct elems_style {
	uint8_t kind;
	uint16_t flags;
	bool with_data;
	bool with_comments;
};

static void write_elems(struct nlwrite *w, const struct nft_msg_table *table,
	enum nft_schema_set set, const struct nft_elem_refs *elems, struct elems_style style)
{
	struct nft_schema_set_info info = nft_schema_set(table->family, set);
	size_t i = 0;
	while (i < elems->len && w->code == 0) {
		nft_msg_begin(w, table, style.kind, style.flags);
		nlwrite_str(w, NFTA_SET_ELEM_LIST_SET, info.name);
		if (set == NFT_SCHEMA_BACKENDS)
			nlwrite_u32(
				w, NFTA_SET_ELEM_LIST_SET_ID, nft_msg_set_id(table->family, set));
		struct nlattr *list = nlwrite_nest(w, NFTA_SET_ELEM_LIST_ELEMENTS);
		for (; i < elems->len && nlwrite_size(w) < ELEMS_MESSAGE_MAX && w->code == 0; i++) {
			const struct nft_elem *elem = elems->items[i];
			struct nlattr *nest = nlwrite_nest(w, NFTA_LIST_ELEM);
			nft_expr_data(w, NFTA_SET_ELEM_KEY, elem->key, info.key_len);
			if (style.with_data && info.data_len > 0)
				nft_expr_data(w, NFTA_SET_ELEM_DATA, elem->data, info.data_len);
			if (style.with_comments)
				nft_msg_comment(w, NFTA_SET_ELEM_USERDATA, elem->comment);
			nlwrite_nest_end(w, nest);
		}
		nlwrite_nest_end(w, list);
		nlwrite_end(w);
	}
}

void nft_msg_new_elems(struct nlwrite *w, const struct nft_msg_table *table,
	enum nft_schema_set set, const struct nft_elem_refs *elems, bool with_comments)
{
	write_elems(w, table, set, elems,
		(struct elems_style){NFT_MSG_NEWSETELEM, NLM_F_CREATE, true, with_comments});
}

void nft_msg_del_elems(struct nlwrite *w, const struct nft_msg_table *table,
	enum nft_schema_set set, const struct nft_elem_refs *elems)
{
	write_elems(
		w, table, set, elems, (struct elems_style){NFT_MSG_DELSETELEM, 0, false, false});
}
