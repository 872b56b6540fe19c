#include "lib/localapi/ipn_peer.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/localapi/peers.h"

#define NAME_MAX_BYTES 1024
/* A subnet router may carry many; one that carries more is cut, which the route look-up then misses. */
#define PREFIXES_MAX 4096

void ipn_peer_reset(struct ipn_peer *p)
{
	p->id = 0;
	p->name.max = NAME_MAX_BYTES;
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

void ipn_peer_take_id(struct ipn_peer *p, const struct jscan_event *ev)
{
	int64_t id;
	if (!ev->truncated && jscan_i64(ev->text, ev->len, &id))
		p->id = id;
}

void ipn_peer_take_name(struct ipn_peer *p, const struct jscan_event *ev)
{
	struct err ignored;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, &p->name, &ignored) < 0)
		buf_reset(&p->name);
}

/* A prefix, or an address alone, which stands for its full length. */
static void take_prefix(struct ipn_peer_prefixes *list, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf text = BUF_INIT(IPPREFIX_TEXT_MAX);
	struct err ignored;
	struct ipprefix prefix;
	struct ipaddr address;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, &text, &ignored) < 0)
		return;
	if (strchr(buf_cstr(&text), '/') != NULL) {
		if (ipprefix_parse(buf_cstr(&text), &prefix, &ignored) < 0)
			return;
	} else {
		if (ipaddr_parse(buf_cstr(&text), &address, &ignored) < 0)
			return;
		prefix = ipprefix_from_addr(&address);
	}
	if (list->len == PREFIXES_MAX)
		return;
	if (list->len == list->cap) {
		list->cap = list->cap > 0 ? list->cap * 2 : 8;
		list->items = xrealloc(list->items, list->cap, sizeof(*list->items));
	}
	list->items[list->len++] = prefix;
}

void ipn_peer_take_address(struct ipn_peer *p, const struct jscan_event *ev)
{
	take_prefix(&p->addresses, ev);
}

void ipn_peer_take_route(struct ipn_peer *p, const struct jscan_event *ev)
{
	take_prefix(&p->routes, ev);
}

void ipn_peer_offer(const struct ipn_peer *p, struct peers *peers)
{
	AUTO(mem_free) char *name = xstrdup(buf_cstr(&p->name));
	struct peer candidate = {
		.id = p->id,
		.name = name,
		.addresses = p->addresses.items,
		.address_count = p->addresses.len,
		.routes = p->routes.items,
		.route_count = p->routes.len,
	};
	peers_update(peers, &candidate);
}
