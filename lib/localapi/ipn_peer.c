#include "lib/localapi/ipn_peer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/localapi/names.h"
#include "lib/localapi/peers.h"

/* A node has a handful of its own. There may be one route per wanted address: a host of services
 * has them all. */
#define ADDRESSES_MAX 256
#define ROUTES_MAX 65536

void ipn_peer_reset(struct ipn_peer *p)
{
	p->id = 0;
	p->name.max = NAMES_TEXT_MAX;
	buf_reset(&p->name);
	p->addresses.len = 0;
	p->routes.len = 0;
}

void ipn_peer_fini(struct ipn_peer *p)
{
	buf_fini(&p->name);
	free(p->addresses.items);
	free(p->routes.items);
	memset(p, 0, sizeof(*p));
}

void ipn_peer_read_id(struct ipn_peer *p, const struct jscan_event *ev)
{
	int64_t id;
	if (!ev->truncated && jscan_i64(ev->text, ev->len, &id))
		p->id = id;
}

void ipn_peer_read_name(struct ipn_peer *p, const struct jscan_event *ev)
{
	struct err ignored;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, &p->name, &ignored) < 0)
		buf_reset(&p->name);
}

/* A prefix, or an address, which is a full-length prefix. False for anything else. */
static bool read_prefix(const struct jscan_event *ev, struct ipprefix *out)
{
	char memory[IPPREFIX_TEXT_MAX * 2];
	struct err ignored;
	struct ipaddr address;
	/* Addresses need no unescaping, and there may be very many of them: avoid the heap. */
	if (ev->truncated || ev->len < 2 || ev->len > sizeof(memory) || ev->text[0] != '"')
		return false;
	memcpy(memory, ev->text + 1, ev->len - 2);
	memory[ev->len - 2] = '\0';
	if (strchr(memory, '/') != NULL)
		return ipprefix_parse(memory, out, &ignored) == 0;
	if (ipaddr_parse(memory, &address, &ignored) < 0)
		return false;
	*out = ipprefix_from_addr(&address);
	return true;
}

static void add_prefix(struct ipn_peer_prefixes *list, const struct ipprefix *prefix, size_t max)
{
	if (list->len == max)
		return;
	list->items = xgrow(list->items, list->len, &list->cap, 8, sizeof(*list->items));
	list->items[list->len++] = *prefix;
}

void ipn_peer_read_address(struct ipn_peer *p, const struct jscan_event *ev)
{
	struct ipprefix prefix;
	if (read_prefix(ev, &prefix))
		add_prefix(&p->addresses, &prefix, ADDRESSES_MAX);
}

void ipn_peer_read_route(
	struct ipn_peer *p, const struct jscan_event *ev, const struct peers *peers)
{
	struct ipprefix prefix;
	if (peers_wants_addresses(peers) && read_prefix(ev, &prefix) &&
		peers_wants_route(peers, &prefix))
		add_prefix(&p->routes, &prefix, ROUTES_MAX);
}

void ipn_peer_offer(const struct ipn_peer *p, struct peers *peers)
{
	struct peer candidate = {
		.id = p->id,
		.name = (char *)(uintptr_t)buf_cstr(&p->name), /* only read */
		.addresses = p->addresses.items,
		.address_count = p->addresses.len,
		.routes = p->routes.items,
		.route_count = p->routes.len,
	};
	peers_update(peers, &candidate);
}
