#include "tests/support/tailnet.h"

#include <stdlib.h>

#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

#define PREFIXES_MAX 16

static void require(bool ok)
{
	if (!ok)
		abort();
}

void tailnet_open(struct tailnet *t)
{
	t->peers = peers_new();
	t->records = records_new();
}

void tailnet_close(struct tailnet *t)
{
	peers_free(t->peers);
	records_free(t->records);
}

struct ipaddr tailnet_addr(const char *text)
{
	struct ipaddr addr;
	struct err e;
	require(ipaddr_parse(text, &addr, &e) == 0);
	return addr;
}

void tailnet_want_lists(
	struct tailnet *t, const struct strv *names, const struct nft_addresses *routes)
{
	(void)records_want(t->records, names);
	(void)peers_want(t->peers, names, routes->items, routes->len);
}

void tailnet_want(struct tailnet *t, const char *names, const char *routes)
{
	AUTO(strv_fini) struct strv words = {0};
	AUTO(strv_fini) struct strv texts = {0};
	struct nft_addresses list = {0};
	str_words(names, &words);
	str_words(routes, &texts);
	for (size_t i = 0; i < texts.len; i++) {
		struct ipaddr addr = tailnet_addr(texts.items[i]);
		nft_addresses_add(&list, &addr);
	}
	tailnet_want_lists(t, &words, &list);
	nft_addresses_fini(&list);
}

static size_t read_prefixes(const char *text, struct ipprefix out[static PREFIXES_MAX])
{
	AUTO(strv_fini) struct strv words = {0};
	struct err e;
	str_words(text, &words);
	require(words.len <= PREFIXES_MAX);
	for (size_t i = 0; i < words.len; i++)
		require(ipprefix_parse(words.items[i], &out[i], &e) == 0);
	return words.len;
}

void tailnet_peer(
	struct tailnet *t, int64_t id, const char *name, const char *addresses, const char *routes)
{
	struct ipprefix own[PREFIXES_MAX];
	struct ipprefix carried[PREFIXES_MAX];
	AUTO(mem_free) char *copy = xstrdup(name);
	struct peer peer = {.id = id, .name = copy, .addresses = own, .routes = carried};
	peer.address_count = read_prefixes(addresses, own);
	peer.route_count = read_prefixes(routes, carried);
	peers_update(t->peers, &peer);
}

void tailnet_remove(struct tailnet *t, int64_t id)
{
	peers_remove(t->peers, id);
}

void tailnet_record(struct tailnet *t, const char *name, const char *addresses)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(addresses, &words);
	records_begin(t->records);
	for (size_t i = 0; i < words.len; i++) {
		struct ipaddr addr = tailnet_addr(words.items[i]);
		records_offer(t->records, name, &addr);
	}
	records_end(t->records);
}

char *tailnet_print(const struct nft_addresses *list)
{
	AUTO(strv_fini) struct strv texts = {0};
	char text[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < list->len; i++)
		strv_push(&texts, ipaddr_format(&list->items[i], text));
	AUTO(mem_free) char *joined = strv_join(&texts, " ");
	return xasprintf("[%s]", joined);
}
