#include "lib/nft/nft_canon.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/nft/nft_schema.h"

/* Attributes of one expression; none of ours has more than nine. */
#define ATTRS_MAX 16
#define UDATA_COMMENT 0
#define UDATA_HEADER 2

enum kind {
	KIND_NUMBER, /* 1 or 4 bytes; printed when present */
	KIND_OPTION, /* the same, but 0 is as good as absent */
	KIND_DATA,   /* a value or a verdict */
	KIND_SET,    /* a name; all anonymous names count as equal */
	KIND_SAME,   /* the kernel repeats attribute `twin`: nothing new unless it differs */
	KIND_FLAGS,  /* of nat: two of them only say which registers are there */
	KIND_SKIP,   /* changes by itself, or is only valid within a batch */
};

struct field {
	const char *expr;
	const char *label;
	uint16_t type;
	enum kind kind;
	uint16_t twin;
};

/* clang-format off */
static const struct field fields[] = {
	{"meta", "key", NFTA_META_KEY, KIND_NUMBER, 0},
	{"meta", "dreg", NFTA_META_DREG, KIND_NUMBER, 0},
	{"cmp", "sreg", NFTA_CMP_SREG, KIND_NUMBER, 0},
	{"cmp", "op", NFTA_CMP_OP, KIND_NUMBER, 0},
	{"cmp", "data", NFTA_CMP_DATA, KIND_DATA, 0},
	{"payload", "dreg", NFTA_PAYLOAD_DREG, KIND_NUMBER, 0},
	{"payload", "base", NFTA_PAYLOAD_BASE, KIND_NUMBER, 0},
	{"payload", "offset", NFTA_PAYLOAD_OFFSET, KIND_NUMBER, 0},
	{"payload", "len", NFTA_PAYLOAD_LEN, KIND_NUMBER, 0},
	{"bitwise", "sreg", NFTA_BITWISE_SREG, KIND_NUMBER, 0},
	{"bitwise", "dreg", NFTA_BITWISE_DREG, KIND_NUMBER, 0},
	{"bitwise", "len", NFTA_BITWISE_LEN, KIND_NUMBER, 0},
	{"bitwise", "mask", NFTA_BITWISE_MASK, KIND_DATA, 0},
	{"bitwise", "xor", NFTA_BITWISE_XOR, KIND_DATA, 0},
	{"bitwise", "op", NFTA_BITWISE_OP, KIND_OPTION, 0},
	{"lookup", "set", NFTA_LOOKUP_SET, KIND_SET, 0},
	{"lookup", "sreg", NFTA_LOOKUP_SREG, KIND_NUMBER, 0},
	{"lookup", "dreg", NFTA_LOOKUP_DREG, KIND_NUMBER, 0},
	{"lookup", "id", NFTA_LOOKUP_SET_ID, KIND_SKIP, 0},
	{"lookup", "flags", NFTA_LOOKUP_FLAGS, KIND_OPTION, 0},
	{"nat", "type", NFTA_NAT_TYPE, KIND_NUMBER, 0},
	{"nat", "family", NFTA_NAT_FAMILY, KIND_NUMBER, 0},
	{"nat", "addr", NFTA_NAT_REG_ADDR_MIN, KIND_NUMBER, 0},
	{"nat", "addr_max", NFTA_NAT_REG_ADDR_MAX, KIND_SAME, NFTA_NAT_REG_ADDR_MIN},
	{"nat", "port", NFTA_NAT_REG_PROTO_MIN, KIND_NUMBER, 0},
	{"nat", "port_max", NFTA_NAT_REG_PROTO_MAX, KIND_SAME, NFTA_NAT_REG_PROTO_MIN},
	{"nat", "flags", NFTA_NAT_FLAGS, KIND_FLAGS, 0},
	{"numgen", "dreg", NFTA_NG_DREG, KIND_NUMBER, 0},
	{"numgen", "modulus", NFTA_NG_MODULUS, KIND_NUMBER, 0},
	{"numgen", "type", NFTA_NG_TYPE, KIND_NUMBER, 0},
	{"numgen", "offset", NFTA_NG_OFFSET, KIND_OPTION, 0},
	{"immediate", "dreg", NFTA_IMMEDIATE_DREG, KIND_NUMBER, 0},
	{"immediate", "data", NFTA_IMMEDIATE_DATA, KIND_DATA, 0},
	{"rt", "dreg", NFTA_RT_DREG, KIND_NUMBER, 0},
	{"rt", "key", NFTA_RT_KEY, KIND_NUMBER, 0},
	{"byteorder", "sreg", NFTA_BYTEORDER_SREG, KIND_NUMBER, 0},
	{"byteorder", "dreg", NFTA_BYTEORDER_DREG, KIND_NUMBER, 0},
	{"byteorder", "op", NFTA_BYTEORDER_OP, KIND_NUMBER, 0},
	{"byteorder", "len", NFTA_BYTEORDER_LEN, KIND_NUMBER, 0},
	{"byteorder", "size", NFTA_BYTEORDER_SIZE, KIND_NUMBER, 0},
	{"exthdr", "sreg", NFTA_EXTHDR_SREG, KIND_NUMBER, 0},
	{"exthdr", "type", NFTA_EXTHDR_TYPE, KIND_NUMBER, 0},
	{"exthdr", "offset", NFTA_EXTHDR_OFFSET, KIND_NUMBER, 0},
	{"exthdr", "len", NFTA_EXTHDR_LEN, KIND_NUMBER, 0},
	{"exthdr", "op", NFTA_EXTHDR_OP, KIND_OPTION, 0},
	{"exthdr", "flags", NFTA_EXTHDR_FLAGS, KIND_OPTION, 0},
	{"ct", "dreg", NFTA_CT_DREG, KIND_NUMBER, 0},
	{"ct", "key", NFTA_CT_KEY, KIND_NUMBER, 0},
	{"counter", "bytes", NFTA_COUNTER_BYTES, KIND_SKIP, 0},
	{"counter", "packets", NFTA_COUNTER_PACKETS, KIND_SKIP, 0},
	{"counter", "pad", NFTA_COUNTER_PAD, KIND_SKIP, 0},
};
/* clang-format on */

/* A writer with a sticky failure, as every append can fail. */
struct text {
	struct buf *out;
	struct err *e;
	int code;
};

static void put(struct text *t, const char *bytes, size_t len)
{
	if (t->code == 0)
		t->code = buf_append(t->out, bytes, len, t->e);
}

static void put_str(struct text *t, const char *text)
{
	put(t, text, strlen(text));
}

static void put_hex(struct text *t, const void *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = data;
	for (size_t i = 0; i < len; i++) {
		char pair[2] = {digits[bytes[i] >> 4], digits[bytes[i] & 0xf]};
		put(t, pair, sizeof(pair));
	}
}

static void put_attr_hex(struct text *t, const struct nlattr *attr)
{
	put_hex(t, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
}

static void put_number(struct text *t, uint32_t value)
{
	if (t->code == 0)
		t->code = buf_printf(t->out, t->e, "%u", value);
}

/* The text of an attribute that holds a string; NULL when it has no end. */
static const char *attr_text(const struct nlattr *attr)
{
	const char *text = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	return memchr(text, '\0', len) != NULL ? text : NULL;
}

static bool attr_number(const struct nlattr *attr, uint32_t *value)
{
	const uint8_t *payload = mnl_attr_get_payload(attr);
	size_t len = mnl_attr_get_payload_len(attr);
	uint32_t wire;
	if (len == sizeof(uint8_t)) {
		*value = payload[0];
		return true;
	}
	if (len != sizeof(wire))
		return false;
	memcpy(&wire, payload, sizeof(wire));
	*value = ntohl(wire);
	return true;
}

static void put_verdict(struct text *t, const struct nlattr *verdict)
{
	const struct nlattr *attr;
	uint32_t code;
	put_str(t, "verdict");
	mnl_attr_for_each_nested(attr, verdict)
	{
		uint16_t type = mnl_attr_get_type(attr);
		put_str(t, ":");
		if (type == NFTA_VERDICT_CODE && attr_number(attr, &code))
			put_number(t, code);
		else if (type == NFTA_VERDICT_CHAIN && attr_text(attr) != NULL)
			put_str(t, attr_text(attr));
		else
			put_attr_hex(t, attr);
	}
}

static void put_data(struct text *t, const struct nlattr *data)
{
	const struct nlattr *attr;
	mnl_attr_for_each_nested(attr, data)
	{
		if (mnl_attr_get_type(attr) == NFTA_DATA_VERDICT)
			put_verdict(t, attr);
		else
			put_attr_hex(t, attr);
	}
}

static void put_set(struct text *t, const struct nlattr *attr)
{
	const char *name = attr_text(attr);
	if (name == NULL)
		put_attr_hex(t, attr);
	else if (str_starts(name, NFT_SCHEMA_ANONYMOUS_PREFIX))
		put_str(t, NFT_SCHEMA_ANONYMOUS);
	else
		put_str(t, name);
}

static void put_label(struct text *t, const char *label)
{
	put_str(t, " ");
	put_str(t, label);
	put_str(t, "=");
}

static bool is_same(const struct nlattr *a, const struct nlattr *b)
{
	return b != NULL && a->nla_len == b->nla_len &&
	       memcmp(mnl_attr_get_payload(a), mnl_attr_get_payload(b),
		       mnl_attr_get_payload_len(a)) == 0;
}

static void put_field(struct text *t, const struct field *f, const struct nlattr *const *attrs)
{
	const struct nlattr *attr = attrs[f->type];
	uint32_t value = 0;
	bool is_number = attr_number(attr, &value);
	bool is_optional = f->kind == KIND_OPTION || f->kind == KIND_FLAGS;
	if (f->kind == KIND_FLAGS)
		value &= ~(uint32_t)(NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED);
	if (f->kind == KIND_SKIP || (is_optional && is_number && value == 0) ||
		(f->kind == KIND_SAME && is_same(attr, attrs[f->twin])))
		return;
	put_label(t, f->label);
	if (f->kind == KIND_DATA)
		put_data(t, attr);
	else if (f->kind == KIND_SET)
		put_set(t, attr);
	else if (is_number)
		put_number(t, value);
	else
		put_attr_hex(t, attr);
}

static const struct field *find_field(const char *expr, uint16_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (fields[i].type == type && strcmp(fields[i].expr, expr) == 0)
			return &fields[i];
	}
	return NULL;
}

/* Known attributes in the order of the table, then the others, by number. */
static void put_attrs(struct text *t, const char *name, const struct nlattr *data)
{
	const struct nlattr *attrs[ATTRS_MAX] = {NULL};
	const struct nlattr *attr;
	mnl_attr_for_each_nested(attr, data)
	{
		uint16_t type = mnl_attr_get_type(attr);
		if (type < ATTRS_MAX && find_field(name, type) != NULL) {
			attrs[type] = attr;
			continue;
		}
		put_str(t, " ?");
		put_number(t, type);
		put_str(t, "=");
		put_attr_hex(t, attr);
	}
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		if (strcmp(fields[i].expr, name) == 0 && attrs[fields[i].type] != NULL)
			put_field(t, &fields[i], attrs);
	}
}

static void put_expression(struct text *t, const struct nlattr *element)
{
	const struct nlattr *attr;
	const struct nlattr *data = NULL;
	const char *name = NULL;
	mnl_attr_for_each_nested(attr, element)
	{
		if (mnl_attr_get_type(attr) == NFTA_EXPR_NAME)
			name = attr_text(attr);
		else if (mnl_attr_get_type(attr) == NFTA_EXPR_DATA)
			data = attr;
	}
	if (name == NULL)
		name = "?";
	put_str(t, name);
	if (data != NULL)
		put_attrs(t, name, data);
}

const char *nft_canon_comment(const struct nlattr *userdata)
{
	if (userdata == NULL)
		return NULL;
	const uint8_t *at = mnl_attr_get_payload(userdata);
	size_t left = mnl_attr_get_payload_len(userdata);
	while (left >= UDATA_HEADER && left - UDATA_HEADER >= at[1]) {
		size_t len = at[1];
		const char *text = (const char *)(at + UDATA_HEADER);
		if (at[0] == UDATA_COMMENT)
			return memchr(text, '\0', len) != NULL ? text : NULL;
		at += UDATA_HEADER + len;
		left -= UDATA_HEADER + len;
	}
	return NULL;
}

int nft_canon_rule(const struct nlattr *expressions, const struct nlattr *userdata, struct buf *out,
	struct err *e)
{
	struct text t = {.out = out, .e = e};
	const struct nlattr *element;
	const char *comment = nft_canon_comment(userdata);
	bool is_first = true;
	if (expressions != NULL) {
		mnl_attr_for_each_nested(element, expressions)
		{
			if (!is_first)
				put_str(&t, "; ");
			put_expression(&t, element);
			is_first = false;
		}
	}
	if (comment != NULL) {
		put_str(&t, " # \"");
		put_str(&t, comment);
		put_str(&t, "\"");
	} else if (userdata != NULL) {
		put_str(&t, " # ");
		put_attr_hex(&t, userdata);
	}
	return t.code;
}
