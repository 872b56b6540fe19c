#include "lib/nft/nlwrite.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

void nlwrite_fini(struct nlwrite *w)
{
	buf_fini(&w->buf);
	w->is_open = false;
}

static void fail(struct nlwrite *w, int code)
{
	if (w->code == 0)
		w->code = code;
}

static struct nlmsghdr *message(const struct nlwrite *w)
{
	return (struct nlmsghdr *)(void *)(w->buf.data + w->open);
}

void nlwrite_begin(
	struct nlwrite *w, uint16_t type, uint16_t flags, uint8_t family, uint16_t res_id)
{
	struct err e;
	if (w->code < 0)
		return;
	/* Reserves the whole message at once: attributes are written through pointers into the
	 * buffer. */
	int code = buf_reserve(&w->buf, NLWRITE_MESSAGE_MAX, &e);
	if (code < 0) {
		fail(w, code);
		return;
	}
	w->open = w->buf.len;
	w->is_open = true;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(w->buf.data + w->open);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = w->next_seq++;
	struct nfgenmsg *nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
	nfg->res_id = htons(res_id);
}

void nlwrite_end(struct nlwrite *w)
{
	if (w->code < 0 || !w->is_open)
		return;
	w->buf.len += message(w)->nlmsg_len;
	w->last = w->open;
	w->is_open = false;
}

size_t nlwrite_size(const struct nlwrite *w)
{
	return w->code == 0 && w->is_open ? message(w)->nlmsg_len : 0;
}

void nlwrite_bytes(struct nlwrite *w, uint16_t type, const void *data, size_t len)
{
	if (w->code < 0 || !w->is_open)
		return;
	struct nlmsghdr *nlh = message(w);
	if (!mnl_attr_put_check(nlh, NLWRITE_MESSAGE_MAX, type, len, data)) {
		fail(w, -EMSGSIZE);
		return;
	}
	/* The padding must not leak memory contents. */
	size_t padding = MNL_ALIGN(len) - len;
	memset((char *)mnl_nlmsg_get_payload_tail(nlh) - padding, 0, padding);
}

void nlwrite_u8(struct nlwrite *w, uint16_t type, uint8_t value)
{
	nlwrite_bytes(w, type, &value, sizeof(value));
}

void nlwrite_u32(struct nlwrite *w, uint16_t type, uint32_t value)
{
	uint32_t wire = htonl(value);
	nlwrite_bytes(w, type, &wire, sizeof(wire));
}

void nlwrite_u64(struct nlwrite *w, uint16_t type, uint64_t value)
{
	uint64_t wire = htobe64(value);
	nlwrite_bytes(w, type, &wire, sizeof(wire));
}

void nlwrite_str(struct nlwrite *w, uint16_t type, const char *text)
{
	nlwrite_bytes(w, type, text, strlen(text) + 1);
}

struct nlattr *nlwrite_nest(struct nlwrite *w, uint16_t type)
{
	if (w->code < 0 || !w->is_open)
		return NULL;
	struct nlattr *nest = mnl_attr_nest_start_check(message(w), NLWRITE_MESSAGE_MAX, type);
	if (nest == NULL)
		fail(w, -EMSGSIZE);
	return nest;
}

void nlwrite_nest_end(struct nlwrite *w, struct nlattr *nest)
{
	if (w->code == 0 && w->is_open && nest != NULL)
		mnl_attr_nest_end(message(w), nest);
}

void nlwrite_flag_last(struct nlwrite *w, uint16_t flags)
{
	if (w->code == 0 && w->buf.len > w->last)
		((struct nlmsghdr *)(void *)(w->buf.data + w->last))->nlmsg_flags |= flags;
}

int nlwrite_check(const struct nlwrite *w, struct err *e)
{
	if (w->code < 0)
		return err_set(e, w->code,
			w->code == -EMSGSIZE ? "messages to the kernel would be too large"
					     : "no memory for messages to the kernel");
	return 0;
}
