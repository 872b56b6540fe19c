#include "lib/nft/nft_model.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/fnv.h"
#include "lib/base/mem.h"

/* Backends of one name: far above what a DNS answer holds, and within one anonymous map. */
#define BACKENDS_MAX 1024
#define FIRST_CAP 8
/* Bytes kept of a long owner, followed by "~" and 16 digits. */
#define OWNER_KEPT (NFT_MODEL_OWNER_MAX - 17)

enum nft_model_family nft_model_family_of(const struct ipaddr *addr)
{
	return addr->family == IPADDR_V4 ? NFT_MODEL_V4 : NFT_MODEL_V6;
}

void nft_addresses_add(struct nft_addresses *list, const struct ipaddr *addr)
{
	list->items = xgrow(list->items, list->len, &list->cap, FIRST_CAP, sizeof(*list->items));
	list->items[list->len++] = *addr;
}

bool nft_addresses_contain(const struct nft_addresses *list, const struct ipaddr *addr)
{
	for (size_t i = 0; i < list->len; i++) {
		if (ipaddr_equal(&list->items[i], addr))
			return true;
	}
	return false;
}

void nft_addresses_fini(struct nft_addresses *list)
{
	free(list->items);
	*list = (struct nft_addresses){0};
}

static bool is_name_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("-._/:", c) != NULL);
}

static char *make_owner(const char *name)
{
	char *owner = strlen(name) <= NFT_MODEL_OWNER_MAX
			      ? xstrdup(name)
			      : xasprintf("%.*s~%016" PRIx64, OWNER_KEPT, name,
					fnv_add(FNV_INIT, name, strlen(name)));
	for (char *at = owner; *at != '\0'; at++) {
		if (!is_name_byte(*at) && *at != '~')
			*at = '_';
	}
	return owner;
}

void nft_wanted_init(struct nft_wanted *w, const char *tun, const char *owner)
{
	*w = (struct nft_wanted){.owner = make_owner(owner)};
	memcpy(w->tun, tun, strnlen(tun, NFT_MODEL_TUN_MAX - 1));
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		w->families[f].is_enabled = true;
}

void nft_wanted_fini(struct nft_wanted *w)
{
	for (size_t i = 0; i < w->portmap_count; i++)
		free(w->portmaps[i].service);
	for (size_t i = 0; i < w->pair_count; i++)
		free(w->pairs[i].service);
	free(w->portmaps);
	free(w->pairs);
	free(w->local_ports);
	free(w->owner);
	nft_addresses_fini(&w->live);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		nft_addresses_fini(&w->families[f].backends);
	*w = (struct nft_wanted){0};
}

static void copy_addresses(struct nft_addresses *to, const struct nft_addresses *from)
{
	*to = (struct nft_addresses){0};
	for (size_t i = 0; i < from->len; i++)
		nft_addresses_add(to, &from->items[i]);
}

static void push_portmap(struct nft_wanted *w, const struct nft_portmap *map)
{
	w->portmaps =
		xgrow(w->portmaps, w->portmap_count, &w->portmap_cap, FIRST_CAP, sizeof(*map));
	w->portmaps[w->portmap_count] = *map;
	w->portmaps[w->portmap_count++].service = xstrdup(map->service);
}

static void push_pair(struct nft_wanted *w, const struct nft_pair *pair)
{
	w->pairs = xgrow(w->pairs, w->pair_count, &w->pair_cap, FIRST_CAP, sizeof(*pair));
	w->pairs[w->pair_count] = *pair;
	w->pairs[w->pair_count++].service = xstrdup(pair->service);
}

static void push_local_port(struct nft_wanted *w, const struct nft_local_port *port)
{
	w->local_ports = xgrow(
		w->local_ports, w->local_port_count, &w->local_port_cap, FIRST_CAP, sizeof(*port));
	w->local_ports[w->local_port_count++] = *port;
}

void nft_wanted_copy(struct nft_wanted *to, const struct nft_wanted *from)
{
	nft_wanted_init(to, from->tun, from->owner);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		to->families[f] = from->families[f];
		copy_addresses(&to->families[f].backends, &from->families[f].backends);
	}
	for (size_t i = 0; i < from->portmap_count; i++)
		push_portmap(to, &from->portmaps[i]);
	for (size_t i = 0; i < from->pair_count; i++)
		push_pair(to, &from->pairs[i]);
	for (size_t i = 0; i < from->local_port_count; i++)
		push_local_port(to, &from->local_ports[i]);
	copy_addresses(&to->live, &from->live);
	to->is_unbalanced = from->is_unbalanced;
}

void nft_wanted_disable(struct nft_wanted *w, enum nft_model_family family)
{
	w->families[family].is_enabled = false;
}

void nft_wanted_unbalance(struct nft_wanted *w)
{
	w->is_unbalanced = true;
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		struct nft_addresses *backends = &w->families[f].backends;
		for (; backends->len > 1; backends->len--)
			nft_addresses_add(&w->live, &backends->items[backends->len - 1]);
	}
}

void nft_wanted_set_own(struct nft_wanted *w, const struct ipaddr *own)
{
	if (own->family != IPADDR_NONE)
		w->families[nft_model_family_of(own)].own = *own;
}

void nft_wanted_set_pod(struct nft_wanted *w, const struct ipaddr *pod)
{
	if (pod->family != IPADDR_NONE)
		w->families[nft_model_family_of(pod)].pod = *pod;
}

static int check_address(
	const struct nft_wanted *w, const struct ipaddr *addr, const char *what, struct err *e)
{
	static const uint8_t zero[sizeof(addr->bytes)];
	char text[IPADDR_TEXT_MAX];
	if (addr->family == IPADDR_NONE)
		return err_set(e, -EINVAL, "%s is no address", what);
	if (addr->zone[0] != '\0' || memcmp(addr->bytes, zero, sizeof(zero)) == 0)
		return err_set(e, -EINVAL, "%s cannot be %s", what, ipaddr_format(addr, text));
	if (!w->families[nft_model_family_of(addr)].is_enabled)
		return err_set(e, -EAFNOSUPPORT, "%s %s: this kernel has no firewall for %s", what,
			ipaddr_format(addr, text), addr->family == IPADDR_V4 ? "IPv4" : "IPv6");
	return 0;
}

static int check_target(const struct nft_wanted *w, const struct ipaddr *target, struct err *e)
{
	char text[IPADDR_TEXT_MAX];
	int code = check_address(w, target, "target", e);
	if (code < 0)
		return code;
	if (w->families[nft_model_family_of(target)].own.family == IPADDR_NONE)
		return err_set(e, -EADDRNOTAVAIL, "no tailscale IP matching family of %s",
			ipaddr_format(target, text));
	return 0;
}

static int check_port(uint8_t proto, uint16_t port, const char *what, struct err *e)
{
	if (proto != IPPROTO_TCP && proto != IPPROTO_UDP)
		return err_set(e, -EINVAL, "protocol %u is neither TCP nor UDP", proto);
	if (port == 0)
		return err_set(e, -EINVAL, "%s is 0", what);
	return 0;
}

int nft_wanted_add_portmap(struct nft_wanted *w, const struct nft_portmap *map, struct err *e)
{
	if (check_port(map->proto, map->match_port, "match port", e) < 0 ||
		check_port(map->proto, map->target_port, "target port", e) < 0 ||
		check_target(w, &map->target, e) < 0)
		return err_wrap(e, "service %s", map->service);
	push_portmap(w, map);
	return 0;
}

int nft_wanted_add_pair(struct nft_wanted *w, const struct nft_pair *pair, struct err *e)
{
	char from[IPADDR_TEXT_MAX];
	char to[IPADDR_TEXT_MAX];
	if (check_address(w, &pair->from, "address", e) < 0 ||
		check_address(w, &pair->to, "target", e) < 0)
		return err_wrap(e, "service %s", pair->service);
	if (pair->from.family != pair->to.family)
		return err_set(e, -EINVAL, "service %s: %s and %s are of different families",
			pair->service, ipaddr_format(&pair->from, from),
			ipaddr_format(&pair->to, to));
	push_pair(w, pair);
	return 0;
}

int nft_wanted_add_backend(struct nft_wanted *w, const struct ipaddr *from,
	const struct ipaddr *backend, struct err *e)
{
	if (check_address(w, from, "address", e) < 0 || check_address(w, backend, "target", e) < 0)
		return e->code;
	if (from->family != backend->family)
		return err_set(e, -EINVAL, "address and target are of different families");
	struct nft_wanted_family *family = &w->families[nft_model_family_of(from)];
	if (family->balanced_from.family != IPADDR_NONE &&
		!ipaddr_equal(&family->balanced_from, from))
		return err_set(e, -EINVAL, "only one address of a family can be balanced");
	if (nft_addresses_contain(&family->backends, backend))
		return 0;
	if (family->backends.len == BACKENDS_MAX)
		return err_set(e, -E2BIG, "more than %d targets of one name", BACKENDS_MAX);
	family->balanced_from = *from;
	bool is_spare = w->is_unbalanced && family->backends.len > 0;
	nft_addresses_add(is_spare ? &w->live : &family->backends, backend);
	return 0;
}

int nft_wanted_set_catch_all(struct nft_wanted *w, const struct ipaddr *target, struct err *e)
{
	if (check_target(w, target, e) < 0)
		return e->code;
	w->families[nft_model_family_of(target)].catch_all = *target;
	return 0;
}

int nft_wanted_add_local_port(struct nft_wanted *w, uint8_t proto, uint16_t port, struct err *e)
{
	if (check_port(proto, port, "port", e) < 0)
		return e->code;
	push_local_port(w, &(struct nft_local_port){.proto = proto, .port = port});
	return 0;
}

void nft_wanted_add_live(struct nft_wanted *w, const struct ipaddr *addr)
{
	nft_addresses_add(&w->live, addr);
}
