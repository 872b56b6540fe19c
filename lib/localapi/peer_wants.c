#include "lib/localapi/peer_wants.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/localapi/peer_routes.h"

void peer_wants_fini(struct peer_wants *w)
{
	names_fini(&w->names);
	free(w->addresses);
	*w = (struct peer_wants){0};
}

static int compare_addresses(const void *a, const void *b)
{
	return ipaddr_compare(a, b);
}

/* Stores them as a set in *out, NULL for none. Returns its size. */
static size_t make_set(const struct ipaddr *addresses, size_t count, struct ipaddr **out)
{
	struct ipaddr *set = count > 0 ? xcalloc(count, sizeof(*set)) : NULL;
	size_t len = 0;
	for (size_t i = 0; i < count; i++) {
		if (addresses[i].family != IPADDR_NONE && addresses[i].zone[0] == '\0')
			set[len++] = addresses[i];
	}
	if (len > 1)
		qsort(set, len, sizeof(*set), compare_addresses);
	size_t kept = 0;
	for (size_t i = 0; i < len; i++) {
		if (kept == 0 || !ipaddr_equal(&set[kept - 1], &set[i]))
			set[kept++] = set[i];
	}
	*out = set;
	return kept;
}

static bool same_addresses(const struct peer_wants *w, const struct ipaddr *set, size_t count)
{
	if (count != w->address_count)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (!ipaddr_equal(&set[i], &w->addresses[i]))
			return false;
	}
	return true;
}

bool peer_wants_set(struct peer_wants *w, const struct strv *names, const struct ipaddr *addresses,
	size_t count)
{
	struct peer_wants new = {0};
	names_set(&new.names, names);
	new.address_count = make_set(addresses, count, &new.addresses);
	bool same = names_equal(&new.names, &w->names) &&
		    same_addresses(w, new.addresses, new.address_count);
	if (same) {
		peer_wants_fini(&new);
		return false;
	}
	peer_wants_fini(w);
	*w = new;
	return true;
}

bool peer_wants_route(const struct peer_wants *w, const struct ipprefix *prefix)
{
	size_t low = 0;
	size_t high = w->address_count;
	if (high == 0)
		return false;
	/* If any address is in the prefix, the first one that is not below it is. */
	struct ipprefix masked = peer_routes_masked(prefix);
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (ipaddr_compare(&w->addresses[middle], &masked.addr) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < w->address_count && ipprefix_contains(&masked, &w->addresses[low]);
}
