#include "lib/nft/ct_plan.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <string.h>

/* Where an original destination goes now. */
struct translation {
	bool exists;
	bool is_balanced;     /* to one of the backends */
	struct ipaddr target; /* unless balanced */
	uint16_t port;        /* 0: kept */
};

static enum nft_model_family family_of(const struct ct_entry *entry)
{
	return nft_model_family_of(&entry->original.dst);
}

static const struct nft_elem *find_addr(const struct nft_elems *elems, const struct ipaddr *addr)
{
	uint8_t key[NFT_SCHEMA_KEY_MAX] = {0};
	memcpy(key, addr->bytes, sizeof(addr->bytes));
	return nft_elems_find(elems, key);
}

static const struct nft_elem *find_port(const struct nft_elems *elems, uint8_t proto, uint16_t port)
{
	uint8_t key[NFT_SCHEMA_KEY_MAX] = {proto, 0, 0, 0, (uint8_t)(port >> 8), (uint8_t)port};
	return nft_elems_find(elems, key);
}

static struct ipaddr addr_of(enum nft_model_family family, const uint8_t *bytes)
{
	struct ipaddr addr = {.family = family == NFT_MODEL_V4 ? IPADDR_V4 : IPADDR_V6};
	memcpy(addr.bytes, bytes, nft_schema_family(family)->addr_len);
	return addr;
}

/* As the rules of prerouting do it for a packet from the cluster, in their order. */
static struct translation translate(const struct ct_view *view, const struct ct_entry *entry)
{
	enum nft_model_family family = family_of(entry);
	const struct nft_image *image = &view->now->images[family];
	const struct nft_wanted_family *wanted = &view->wanted->families[family];
	const struct ct_tuple *tuple = &entry->original;
	struct translation t = {0};
	const struct nft_elem *elem = find_addr(&image->sets[NFT_SCHEMA_DADDR_MAP], &tuple->dst);
	if (elem != NULL) {
		t.exists = true;
		t.target = addr_of(family, elem->data);
		return t;
	}
	if (wanted->backends.len >= 2 && ipaddr_equal(&wanted->balanced_from, &tuple->dst)) {
		t.exists = true;
		t.is_balanced = true;
		return t;
	}
	bool is_local = find_port(&image->sets[NFT_SCHEMA_LOCAL_PORTS], entry->proto,
				tuple->dst_port) != NULL;
	if (wanted->catch_all.family != IPADDR_NONE && !is_local) {
		t.exists = true;
		t.target = wanted->catch_all;
		return t;
	}
	elem = find_port(&image->sets[NFT_SCHEMA_EGRESS_PM], entry->proto, tuple->dst_port);
	if (elem != NULL && !is_local) {
		size_t addr_len = nft_schema_family(family)->addr_len;
		t.exists = true;
		t.target = addr_of(family, elem->data);
		t.port = (uint16_t)(elem->data[addr_len] << 8 | elem->data[addr_len + 1]);
	}
	return t;
}

static bool is_current(
	const struct ct_view *view, const struct ct_entry *entry, const struct translation *t)
{
	const struct nft_wanted_family *wanted = &view->wanted->families[family_of(entry)];
	uint16_t port = t->port != 0 ? t->port : entry->original.dst_port;
	/* Protocols without ports have 0 on both sides. */
	if (!t->exists || entry->reply.src_port != port)
		return false;
	if (t->is_balanced)
		return nft_addresses_contain(&wanted->backends, &entry->reply.src);
	return ipaddr_equal(&t->target, &entry->reply.src);
}

static bool has_data(
	const struct nft_elems *elems, enum nft_model_family family, const struct ipaddr *addr)
{
	size_t len = nft_schema_family(family)->addr_len;
	for (size_t i = 0; i < elems->len; i++) {
		if (memcmp(elems->items[i].data, addr->bytes, len) == 0)
			return true;
	}
	return false;
}

/* A target of the rules in this image. */
static bool knows_target(
	const struct nft_image *image, enum nft_model_family family, const struct ipaddr *addr)
{
	return image != NULL &&
	       (find_addr(&image->sets[NFT_SCHEMA_EGRESS_DST], addr) != NULL ||
		       has_data(&image->sets[NFT_SCHEMA_DADDR_MAP], family, addr) ||
		       has_data(&image->backends, family, addr));
}

/* One backend stands in daddr_map, more of them in a map of their own. */
static bool was_backend(
	const struct ct_view *view, enum nft_model_family family, const struct ipaddr *addr)
{
	const struct nft_image *before = view->before[family];
	if (before == NULL)
		return false;
	const struct nft_elem *single = find_addr(
		&before->sets[NFT_SCHEMA_DADDR_MAP], &view->wanted->families[family].balanced_from);
	return has_data(&before->backends, family, addr) ||
	       (single != NULL &&
		       memcmp(single->data, addr->bytes, nft_schema_family(family)->addr_len) == 0);
}

/* Only what is addressed to us, or to an address that we translate, can be a flow that lacks its
 * translation: everything else merely has a port of that number. */
static enum ct_verdict judge_untranslated(
	const struct ct_view *view, const struct ct_entry *entry, const struct translation *t)
{
	const struct nft_wanted_family *wanted = &view->wanted->families[family_of(entry)];
	const struct nft_image *image = &view->now->images[family_of(entry)];
	bool is_for_pod = ipaddr_equal(&wanted->pod, &entry->original.dst);
	bool is_by_port = find_port(&image->sets[NFT_SCHEMA_EGRESS_PM], entry->proto,
				  entry->original.dst_port) != NULL;
	bool is_by_addr =
		find_addr(&image->sets[NFT_SCHEMA_DADDR_MAP], &entry->original.dst) != NULL ||
		t->is_balanced;
	if (entry->proto != IPPROTO_UDP || !t->exists)
		return CT_KEEP_FOREIGN;
	/* The daemon's own flows come to the pod's address; they end only for a port of a
	 * service. */
	if (is_for_pod)
		return is_by_port ? CT_END_UNTRANSLATED : CT_KEEP_FOREIGN;
	return is_by_addr ? CT_END_UNTRANSLATED : CT_KEEP_FOREIGN;
}

static enum ct_verdict judge_translated(
	const struct ct_view *view, const struct ct_entry *entry, const struct translation *t)
{
	enum nft_model_family family = family_of(entry);
	const struct ipaddr *target = &entry->reply.src;
	const struct nft_image *now = &view->now->images[family];
	bool is_known_now = knows_target(now, family, target);
	if (is_current(view, entry, t))
		return CT_KEEP_SAME;
	if (!is_known_now && !knows_target(view->before[family], family, target))
		return CT_KEEP_FOREIGN;
	if (entry->proto != IPPROTO_TCP)
		return CT_END_CHANGED;
	if (!t->exists)
		return CT_END_GONE;
	/* Answers of DNS rotate: a backend that is not in the last one may well be there. */
	bool is_backend =
		(t->is_balanced || ipaddr_equal(&entry->original.dst,
					   &view->wanted->families[family].balanced_from)) &&
		was_backend(view, family, target);
	if (is_known_now || is_backend || nft_addresses_contain(&view->wanted->live, target))
		return CT_KEEP_LIVE;
	return CT_END_GONE;
}

/* The target of a catch-all is one of egress_dst. */
static bool has_translations(const struct nft_image *image)
{
	return image != NULL &&
	       image->sets[NFT_SCHEMA_EGRESS_PM].len + image->sets[NFT_SCHEMA_EGRESS_DST].len +
			       image->sets[NFT_SCHEMA_DADDR_MAP].len + image->backends.len >
		       0;
}

static bool has_own_moved(const struct nft_image *before, const struct ipaddr *own)
{
	return before != NULL && before->own.family != IPADDR_NONE &&
	       !ipaddr_equal(&before->own, own);
}

bool ct_plan_can_end(const struct ct_view *view, enum nft_model_family family)
{
	const struct nft_image *before = view->before[family];
	const struct nft_image *now = &view->now->images[family];
	return view->has_changed[family] && now->has_table &&
	       (has_own_moved(before, &view->wanted->families[family].own) ||
		       has_translations(before) || has_translations(now));
}

enum ct_verdict ct_plan_judge(const struct ct_view *view, const struct ct_entry *entry)
{
	enum nft_model_family family = family_of(entry);
	const struct nft_image *before = view->before[family];
	const struct ipaddr *own = &view->wanted->families[family].own;
	if (!view->has_changed[family] || !view->now->images[family].has_table)
		return CT_KEEP_FOREIGN;
	if ((entry->status & IPS_SRC_NAT) != 0 && has_own_moved(before, own) &&
		ipaddr_equal(&entry->reply.dst, &before->own))
		return CT_END_SOURCE;
	struct translation t = translate(view, entry);
	if ((entry->status & IPS_DST_NAT) == 0)
		return judge_untranslated(view, entry, &t);
	return judge_translated(view, entry, &t);
}

bool ct_verdict_is_end(enum ct_verdict verdict)
{
	return verdict >= CT_END_UNTRANSLATED;
}
