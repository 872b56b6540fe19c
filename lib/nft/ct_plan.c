#include "lib/nft/ct_plan.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <netinet/in.h>
#include <string.h>

/* There are as many past addresses as the rules have had targets; they would grow without bound if
 * passes failed for hours while targets come and go. */
#define CT_PAST_MAX (64u << 10)

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

static enum ipaddr_family ip_family(enum nft_model_family family)
{
	return family == NFT_MODEL_V4 ? IPADDR_V4 : IPADDR_V6;
}

static struct ipaddr addr_of(enum nft_model_family family, const uint8_t *bytes)
{
	struct ipaddr addr = {.family = ip_family(family)};
	memcpy(addr.bytes, bytes, nft_schema_family(family)->addr_len);
	return addr;
}

/* As the rules of prerouting do it for a packet from the cluster, in their order. */
static struct translation translate(const struct ct_view *view, const struct ct_entry *entry)
{
	enum nft_model_family family = family_of(entry);
	const struct nft_image *image = &view->now_ref->images[family];
	const struct nft_wanted_family *wanted = &view->wanted_ref->families[family];
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
	uint16_t port = t->port != 0 ? t->port : entry->original.dst_port;
	/* Protocols without ports have 0 on both sides. */
	if (!t->exists || entry->reply.src_port != port)
		return false;
	if (t->is_balanced)
		return (ct_targets_uses(&view->targets, &entry->reply.src) & CT_TARGET_BACKEND) !=
		       0;
	return ipaddr_equal(&t->target, &entry->reply.src);
}

static void add_data(struct ct_targets *targets, enum nft_model_family family,
	const struct nft_elems *elems, unsigned int uses)
{
	for (size_t i = 0; i < elems->len; i++) {
		struct ipaddr addr = addr_of(family, elems->items[i].data);
		ct_targets_add(targets, &addr, uses);
	}
}

/* Whatever the rules of this image translate to. The target of a catch-all is one of egress_dst. */
static void add_image(struct ct_targets *targets, enum nft_model_family family,
	const struct nft_image *image, unsigned int uses)
{
	const struct nft_elems *egress = &image->sets[NFT_SCHEMA_EGRESS_DST];
	for (size_t i = 0; i < egress->len; i++) {
		struct ipaddr addr = addr_of(family, egress->items[i].key);
		ct_targets_add(targets, &addr, uses);
	}
	add_data(targets, family, &image->sets[NFT_SCHEMA_DADDR_MAP], uses);
	add_data(targets, family, &image->backends, uses);
}

void ct_past_add(struct ct_past *past, enum nft_model_family family, const struct nft_image *before,
	const struct ipaddr *balanced_from)
{
	past->has_changed[family] = true;
	if (!before->has_table || past->targets.len >= CT_PAST_MAX)
		return;
	add_image(&past->targets, family, before, CT_TARGET_BEFORE);
	add_data(&past->targets, family, &before->backends, CT_TARGET_WAS_BACKEND);
	/* One backend stands in daddr_map, more of them in a map of their own. */
	const struct nft_elem *single =
		find_addr(&before->sets[NFT_SCHEMA_DADDR_MAP], balanced_from);
	if (single != NULL) {
		struct ipaddr addr = addr_of(family, single->data);
		ct_targets_add(&past->targets, &addr, CT_TARGET_WAS_BACKEND);
	}
	if (before->own.family != IPADDR_NONE)
		ct_targets_add(&past->targets, &before->own, CT_TARGET_WAS_OWN);
	ct_targets_sort(&past->targets);
}

bool ct_past_is_pending(const struct ct_past *past)
{
	return past->has_changed[NFT_MODEL_V4] || past->has_changed[NFT_MODEL_V6];
}

void ct_past_fini(struct ct_past *past)
{
	ct_targets_fini(&past->targets);
	*past = (struct ct_past){0};
}

static void add_addresses(
	struct ct_targets *targets, const struct nft_addresses *list, unsigned int uses)
{
	for (size_t i = 0; i < list->len; i++)
		ct_targets_add(targets, &list->items[i], uses);
}

void ct_view_init(struct ct_view *view, const struct ct_past *past, const struct nft_desired *now,
	const struct nft_wanted *wanted)
{
	*view = (struct ct_view){.now_ref = now, .wanted_ref = wanted};
	ct_targets_add_all(&view->targets, &past->targets);
	add_addresses(&view->targets, &wanted->live, CT_TARGET_LIVE);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		enum nft_model_family family = (enum nft_model_family)f;
		view->has_changed[f] = past->has_changed[f];
		add_image(&view->targets, family, &now->images[f], CT_TARGET_NOW);
		add_addresses(&view->targets, &wanted->families[f].backends, CT_TARGET_BACKEND);
	}
	ct_targets_sort(&view->targets);
}

void ct_view_fini(struct ct_view *view)
{
	ct_targets_fini(&view->targets);
	*view = (struct ct_view){0};
}

/* Only what is addressed to us, or to an address that we translate, can be a flow that lacks its
 * translation: everything else merely has a port of that number. */
static enum ct_verdict decide_untranslated(
	const struct ct_view *view, const struct ct_entry *entry, const struct translation *t)
{
	const struct nft_wanted_family *wanted = &view->wanted_ref->families[family_of(entry)];
	const struct nft_image *image = &view->now_ref->images[family_of(entry)];
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

static enum ct_verdict decide_translated(
	const struct ct_view *view, const struct ct_entry *entry, const struct translation *t)
{
	if (is_current(view, entry, t))
		return CT_KEEP_SAME;
	unsigned int uses = ct_targets_uses(&view->targets, &entry->reply.src);
	if ((uses & (CT_TARGET_NOW | CT_TARGET_BEFORE)) == 0)
		return CT_KEEP_FOREIGN;
	if (entry->proto != IPPROTO_TCP)
		return CT_END_CHANGED;
	if (!t->exists)
		return CT_END_GONE;
	/* DNS answers rotate: a backend that is missing from the last one may still exist. */
	const struct ipaddr *balanced_from =
		&view->wanted_ref->families[family_of(entry)].balanced_from;
	bool is_backend = (t->is_balanced || ipaddr_equal(&entry->original.dst, balanced_from)) &&
			  (uses & CT_TARGET_WAS_BACKEND) != 0;
	if (is_backend || (uses & (CT_TARGET_NOW | CT_TARGET_LIVE)) != 0)
		return CT_KEEP_LIVE;
	return CT_END_GONE;
}

static bool has_translations(const struct nft_image *image)
{
	return image->sets[NFT_SCHEMA_EGRESS_PM].len + image->sets[NFT_SCHEMA_EGRESS_DST].len +
		       image->sets[NFT_SCHEMA_DADDR_MAP].len + image->backends.len >
	       0;
}

/* The past rules translated something, or used another source than the present ones. */
static bool has_past(const struct ct_view *view, enum nft_model_family family)
{
	const struct ipaddr *own = &view->wanted_ref->families[family].own;
	for (size_t i = 0; i < view->targets.len; i++) {
		const struct ct_target *target = &view->targets.items[i];
		if (!ct_target_is_of(target, ip_family(family)))
			continue;
		if ((target->uses & CT_TARGET_BEFORE) != 0 ||
			((target->uses & CT_TARGET_WAS_OWN) != 0 && !ct_target_is(target, own)))
			return true;
	}
	return false;
}

bool ct_plan_can_end(const struct ct_view *view, enum nft_model_family family)
{
	const struct nft_image *now = &view->now_ref->images[family];
	return view->has_changed[family] && now->has_table &&
	       (has_translations(now) || has_past(view, family));
}

/* An address that was ours, and is not any more. */
static bool has_old_source(const struct ct_view *view, const struct ct_entry *entry)
{
	const struct ipaddr *own = &view->wanted_ref->families[family_of(entry)].own;
	return (entry->status & IPS_SRC_NAT) != 0 && !ipaddr_equal(&entry->reply.dst, own) &&
	       (ct_targets_uses(&view->targets, &entry->reply.dst) & CT_TARGET_WAS_OWN) != 0;
}

enum ct_verdict ct_plan_decide(const struct ct_view *view, const struct ct_entry *entry)
{
	enum nft_model_family family = family_of(entry);
	if (!view->has_changed[family] || !view->now_ref->images[family].has_table)
		return CT_KEEP_FOREIGN;
	if (has_old_source(view, entry))
		return CT_END_SOURCE;
	struct translation t = translate(view, entry);
	if ((entry->status & IPS_DST_NAT) == 0)
		return decide_untranslated(view, entry, &t);
	return decide_translated(view, entry, &t);
}

bool ct_verdict_is_end(enum ct_verdict verdict)
{
	return verdict >= CT_END_UNTRANSLATED;
}
