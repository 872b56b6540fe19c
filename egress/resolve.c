#include "egress/resolve.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "egress/fqdn.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

/* A name as Go quotes it; a longer one is truncated. */
#define QUOTED_MAX 512

static void add_once(struct nft_addresses *list, const struct ipaddr *addr)
{
	if (!nft_addresses_contain(list, addr))
		nft_addresses_add(list, addr);
}

/* A subnet is not the address of a node. */
static void add_addresses(struct nft_addresses *out, const struct peer *peer)
{
	for (size_t i = 0; i < peer->address_count; i++) {
		if (ipprefix_is_single(&peer->addresses[i]))
			add_once(out, &peer->addresses[i].addr);
	}
}

/* A record is a Service only when some peer serves it. */
static bool add_service(
	const char *fqdn, const struct egress_netmap *netmap, struct nft_addresses *out)
{
	const struct ipaddr *values;
	size_t count;
	bool is_found = false;
	if (!records_lookup(netmap->records, fqdn, &values, &count))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (peers_by_exact_route(netmap->peers, &values[i]) == NULL)
			continue;
		add_once(out, &values[i]);
		is_found = true;
	}
	return is_found;
}

int egress_resolve(const char *fqdn, const struct egress_netmap *netmap, struct nft_addresses *out,
	struct err *e)
{
	char name[FQDN_TEXT_MAX];
	char quoted[QUOTED_MAX];
	char text[IPADDR_TEXT_MAX];
	struct ipaddr via;
	gotext_quote(fqdn, quoted, sizeof(quoted));
	if (fqdn_normalise(fqdn, name, e) < 0) {
		err_wrap(e, "error parsing %s as FQDN", quoted);
		e->code = -EINVAL;
		return e->code;
	}
	const struct peer *peer = peers_by_name(netmap->peers, name);
	if (peer != NULL && peer->address_count > 0) {
		add_addresses(out, peer);
		return 0;
	}
	if (add_service(name, netmap, out))
		return 0;
	if (!fqdn_parse_via(name, &via))
		return err_set(e, -ENOENT,
			"could not find Tailscale node, service or 4via6 address %s; it either "
			"does not exist, or not reachable because of ACLs",
			quoted);
	if (peers_by_route(netmap->peers, &via) == NULL)
		return err_set(e, -ENOENT,
			"resolved 4via6 address %s for %s but no peer advertises a route "
			"containing it",
			ipaddr_format(&via, text), quoted);
	add_once(out, &via);
	return 0;
}

void egress_resolve_wants(const char *fqdn, const struct records *records, struct strv *names,
	struct nft_addresses *routes)
{
	char name[FQDN_TEXT_MAX];
	struct err e;
	struct ipaddr via;
	const struct ipaddr *values;
	size_t count;
	if (fqdn_normalise(fqdn, name, &e) < 0)
		return;
	strv_push(names, name);
	if (records_lookup(records, name, &values, &count)) {
		for (size_t i = 0; i < count; i++)
			nft_addresses_add(routes, &values[i]);
	}
	if (fqdn_parse_via(name, &via))
		nft_addresses_add(routes, &via);
}
