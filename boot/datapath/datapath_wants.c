#include "boot/datapath/datapath_wants.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/ipaddr.h"

static int compare_addresses(const void *a, const void *b)
{
	return ipaddr_compare(a, b);
}

/* Whether the second contains all of the first. */
static bool has_names(const struct strv *some, const struct strv *all)
{
	size_t at = 0;
	for (size_t i = 0; i < some->len; i++) {
		while (at < all->len && strcmp(all->items[at], some->items[i]) < 0)
			at++;
		if (at == all->len || strcmp(all->items[at], some->items[i]) != 0)
			return false;
	}
	return true;
}

static bool has_routes(const struct nft_addresses *some, const struct nft_addresses *all)
{
	size_t at = 0;
	for (size_t i = 0; i < some->len; i++) {
		while (at < all->len && ipaddr_compare(&all->items[at], &some->items[i]) < 0)
			at++;
		if (at == all->len || ipaddr_compare(&all->items[at], &some->items[i]) != 0)
			return false;
	}
	return true;
}

bool datapath_wants_adopt(
	struct datapath_wants *w, struct strv *names_take, struct nft_addresses *routes_take)
{
	struct datapath_wants now = {*names_take, *routes_take};
	*names_take = (struct strv){0};
	*routes_take = (struct nft_addresses){0};
	if (now.names.len > 1)
		strv_sort(&now.names);
	if (now.routes.len > 1)
		qsort(now.routes.items, now.routes.len, sizeof(*now.routes.items),
			compare_addresses);
	bool is_new = !has_names(&now.names, &w->names) || !has_routes(&now.routes, &w->routes);
	datapath_wants_fini(w);
	*w = now;
	return is_new;
}

void datapath_wants_fini(struct datapath_wants *w)
{
	strv_fini(&w->names);
	nft_addresses_fini(&w->routes);
	*w = (struct datapath_wants){0};
}
