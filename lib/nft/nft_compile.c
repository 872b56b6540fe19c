#include "lib/nft/nft_compile.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/nft/nft_read.h"
#include "lib/nft/nft_rule.h"
#include "lib/nft/nlwrite.h"

/* Rules of a family, and with them the map of backends: a handful. */
#define RULES_BYTES_MAX (1u << 20)
#define BALANCED_NAME "dns-target"

/* Within a key of protocol and port. */
#define PROTO_AT 0
#define PORT_AT 4

/* An element that a service asks for. */
struct claim {
	struct nft_elem elem; /* without comment */
	const char *service;
	size_t order;
};

struct claims {
	struct claim *items;
	size_t len;
};

static void port_key(uint8_t *key, uint8_t proto, uint16_t port)
{
	key[PROTO_AT] = proto;
	key[PORT_AT] = (uint8_t)(port >> 8);
	key[PORT_AT + 1] = (uint8_t)port;
}

static int compare_claims(const void *left, const void *right)
{
	const struct claim *a = left;
	const struct claim *b = right;
	int order = memcmp(a->elem.key, b->elem.key, sizeof(a->elem.key));
	if (order == 0)
		order = strcmp(a->service, b->service);
	if (order == 0)
		order = a->order < b->order ? -1 : a->order > b->order;
	return order;
}

static struct nft_conflict *add_conflict(
	struct nft_desired *d, const struct claim *loser, const struct claim *winner)
{
	d->conflicts = xrealloc(d->conflicts, d->conflict_count + 1, sizeof(*d->conflicts));
	struct nft_conflict *conflict = &d->conflicts[d->conflict_count++];
	*conflict = (struct nft_conflict){
		.service = xstrdup(loser->service), .winner = xstrdup(winner->service)};
	return conflict;
}

static void add_elem(struct nft_elems *elems, const struct claim *claim, bool with_comment)
{
	struct nft_elem elem = claim->elem;
	AUTO(mem_free) char *comment = NULL;
	if (with_comment)
		comment = xstrndup(claim->service,
			str_cut(claim->service, strlen(claim->service), NFT_MODEL_COMMENT_MAX));
	/* Whatever the name is, nft(8) must be able to read back what it prints. */
	for (char *at = comment; at != NULL && *at != '\0'; at++) {
		if ((uint8_t)*at < ' ' || *at == '"' || *at == '\\' || *at == 0x7f)
			*at = '_';
	}
	elem.comment = comment;
	nft_elems_add(elems, &elem);
}

/* The first of several claims to one key becomes the element; the losers become conflicts. */
static void resolve_claims(struct nft_desired *d, enum nft_model_family family,
	enum nft_schema_set set, struct claims *claims)
{
	const struct claim *winner = NULL;
	if (claims->len > 1)
		qsort(claims->items, claims->len, sizeof(*claims->items), compare_claims);
	for (size_t i = 0; i < claims->len; i++) {
		const struct claim *claim = &claims->items[i];
		if (winner == NULL ||
			memcmp(winner->elem.key, claim->elem.key, sizeof(claim->elem.key)) != 0) {
			winner = claim;
			add_elem(&d->images[family].sets[set], claim, d->with_comments);
		} else if (strcmp(winner->service, claim->service) != 0) {
			struct nft_conflict *conflict = add_conflict(d, claim, winner);
			const uint8_t *key = claim->elem.key;
			nft_elem_format(family, set, key, conflict->what);
			conflict->family = family;
			if (set != NFT_SCHEMA_EGRESS_PM)
				continue;
			conflict->proto = key[PROTO_AT];
			conflict->port = (uint16_t)(key[PORT_AT] << 8 | key[PORT_AT + 1]);
		}
	}
}

static struct claim *add_claim(struct claims *claims, const char *service)
{
	struct claim *claim = &claims->items[claims->len];
	*claim = (struct claim){.service = service, .order = claims->len};
	claims->len++;
	return claim;
}

static void compile_portmaps(
	const struct nft_wanted *w, enum nft_model_family family, struct nft_desired *d)
{
	AUTO(mem_free) struct claim *room = xcalloc(w->portmap_count + 1, sizeof(*room));
	struct claims claims = {.items = room};
	size_t addr_len = nft_schema_family(family)->addr_len;
	for (size_t i = 0; i < w->portmap_count; i++) {
		const struct nft_portmap *map = &w->portmaps[i];
		if (nft_model_family_of(&map->target) != family)
			continue;
		struct claim *claim = add_claim(&claims, map->service);
		port_key(claim->elem.key, map->proto, map->match_port);
		memcpy(claim->elem.data, map->target.bytes, addr_len);
		claim->elem.data[addr_len] = (uint8_t)(map->target_port >> 8);
		claim->elem.data[addr_len + 1] = (uint8_t)map->target_port;
	}
	resolve_claims(d, family, NFT_SCHEMA_EGRESS_PM, &claims);
}

static void compile_pairs(
	const struct nft_wanted *w, enum nft_model_family family, struct nft_desired *d)
{
	const struct nft_wanted_family *wanted = &w->families[family];
	AUTO(mem_free) struct claim *room = xcalloc(w->pair_count + 1, sizeof(*room));
	struct claims claims = {.items = room};
	for (size_t i = 0; i < w->pair_count; i++) {
		const struct nft_pair *pair = &w->pairs[i];
		if (nft_model_family_of(&pair->from) != family)
			continue;
		struct claim *claim = add_claim(&claims, pair->service);
		memcpy(claim->elem.key, pair->from.bytes, sizeof(pair->from.bytes));
		memcpy(claim->elem.data, pair->to.bytes, sizeof(pair->to.bytes));
	}
	if (wanted->backends.len == 1) {
		struct claim *claim = add_claim(&claims, BALANCED_NAME);
		memcpy(claim->elem.key, wanted->balanced_from.bytes,
			sizeof(wanted->balanced_from.bytes));
		memcpy(claim->elem.data, wanted->backends.items[0].bytes,
			sizeof(wanted->backends.items[0].bytes));
	}
	resolve_claims(d, family, NFT_SCHEMA_DADDR_MAP, &claims);
}

/* A set of keys, each once, without comments. */
static void add_keys(struct nft_elems *to, struct nft_elems *sorted_later)
{
	nft_elems_sort(sorted_later);
	for (size_t i = 0; i < sorted_later->len; i++) {
		if (i == 0 || memcmp(sorted_later->items[i].key, sorted_later->items[i - 1].key,
				      NFT_SCHEMA_KEY_MAX) != 0)
			nft_elems_add(to, &sorted_later->items[i]);
	}
	nft_elems_fini(sorted_later);
}

static void compile_targets(
	const struct nft_wanted *w, enum nft_model_family family, struct nft_desired *d)
{
	struct nft_image *image = &d->images[family];
	const struct nft_elems *maps = &image->sets[NFT_SCHEMA_EGRESS_PM];
	const struct ipaddr *catch_all = &w->families[family].catch_all;
	size_t addr_len = nft_schema_family(family)->addr_len;
	struct nft_elems targets = {0};
	for (size_t i = 0; i < maps->len; i++) {
		struct nft_elem elem = {0};
		memcpy(elem.key, maps->items[i].data, addr_len);
		nft_elems_add(&targets, &elem);
	}
	if (catch_all->family != IPADDR_NONE) {
		struct nft_elem elem = {0};
		memcpy(elem.key, catch_all->bytes, addr_len);
		nft_elems_add(&targets, &elem);
	}
	add_keys(&image->sets[NFT_SCHEMA_EGRESS_DST], &targets);
}

static void compile_local_ports(
	const struct nft_wanted *w, enum nft_model_family family, struct nft_desired *d)
{
	struct nft_elems ports = {0};
	if (w->families[family].catch_all.family == IPADDR_NONE)
		return;
	for (size_t i = 0; i < w->local_port_count; i++) {
		struct nft_elem elem = {0};
		port_key(elem.key, w->local_ports[i].proto, w->local_ports[i].port);
		nft_elems_add(&ports, &elem);
	}
	add_keys(&d->images[family].sets[NFT_SCHEMA_LOCAL_PORTS], &ports);
}

static void compile_backends(const struct nft_addresses *backends, struct nft_image *image)
{
	if (backends->len < 2)
		return;
	for (size_t i = 0; i < backends->len; i++) {
		struct nft_elem elem = {0};
		uint32_t number = (uint32_t)i; /* host order, as numgen counts */
		memcpy(elem.key, &number, sizeof(number));
		memcpy(elem.data, backends->items[i].bytes, sizeof(backends->items[i].bytes));
		nft_elems_add(&image->backends, &elem);
	}
	nft_elems_sort(&image->backends);
}

/* The texts are made from the very messages that will be sent. */
static int compile_rules(const struct nft_wanted *w, enum nft_model_family family,
	struct nft_image *image, struct err *e)
{
	struct nft_rule_scope scope = {
		.family = family,
		.table = NFT_SCHEMA_TABLE,
		.tun = w->tun,
		.wanted = &w->families[family],
	};
	AUTO(nlwrite_fini) struct nlwrite messages = NLWRITE_INIT(RULES_BYTES_MAX, 1);
	struct nft_read read;
	for (int c = 0; c < NFT_SCHEMA_CHAINS; c++)
		nft_rule_write_chain(&messages, &scope, (enum nft_schema_chain)c);
	if (nlwrite_check(&messages, e) < 0)
		return e->code;
	nft_read_init(&read, family, NFT_SCHEMA_TABLE, image);
	return nft_read_own_rules(&read, messages.buf.data, messages.buf.len, e);
}

int nft_compile(
	const struct nft_wanted *w, bool with_comments, struct nft_desired *out, struct err *e)
{
	out->with_comments = with_comments;
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++) {
		enum nft_model_family family = (enum nft_model_family)f;
		struct nft_image *image = &out->images[f];
		if (!w->families[f].is_enabled)
			continue;
		if (compile_rules(w, family, image, e) < 0)
			return err_wrap(e, "rules of %s", nft_schema_family(family)->name);
		image->has_table = true;
		image->is_schema_current = true;
		image->owner = xstrdup(w->owner);
		compile_portmaps(w, family, out);
		compile_pairs(w, family, out);
		compile_targets(w, family, out);
		compile_local_ports(w, family, out);
		compile_backends(&w->families[f].backends, image);
	}
	return 0;
}

void nft_desired_fini(struct nft_desired *d)
{
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		nft_image_fini(&d->images[f]);
	for (size_t i = 0; i < d->conflict_count; i++) {
		free(d->conflicts[i].service);
		free(d->conflicts[i].winner);
	}
	free(d->conflicts);
	*d = (struct nft_desired){0};
}
