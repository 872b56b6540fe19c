#include "egress/services_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "egress/answers.h"
#include "egress/reach.h"
#include "egress/services_conflicts.h"
#include "egress/services_rows.h"
#include "egress/services_rules.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_status.h"
#include "lib/localapi/peers.h"

#define QUOTED_MAX 512

enum finding {
	FINDING_KNOWN,   /* it exists, or is known not to */
	FINDING_PENDING, /* not known yet */
};

static enum finding find_targets(const struct egress_service *service,
	const struct egress_netmap *netmap, struct nft_addresses *found, struct err *e)
{
	char quoted[QUOTED_MAX];
	err_clear(e);
	if (service->ip.family != IPADDR_NONE) {
		nft_addresses_add(found, &service->ip);
		return FINDING_KNOWN;
	}
	gotext_quote(service->target_fqdn, quoted, sizeof(quoted));
	int code = egress_resolve(service->target_fqdn, netmap, found, e);
	if (code == -ENOENT && !netmap->is_known)
		return FINDING_PENDING;
	if (code < 0)
		err_wrap(e, "error fetching backend addresses for %s", quoted);
	else if (found->len == 0)
		err_set(e, -ENOENT, "tailnet target %s does not have any backend addresses",
			quoted);
	return FINDING_KNOWN;
}

static bool same_addresses(const struct nft_addresses *a, const struct nft_addresses *b)
{
	for (size_t i = 0; i < a->len && a->len == b->len; i++) {
		if (!ipaddr_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return a->len == b->len;
}

static void set_note(struct egress_row *row, const char *note)
{
	if (note != NULL && (row->note == NULL || strcmp(row->note, note) != 0))
		row->is_new_note = true;
	char *copy = xstrdup(note);
	free(row->note);
	row->note = copy;
}

static void set_targets(struct egress_row *row, struct nft_addresses *now_take)
{
	nft_addresses_fini(&row->before);
	row->before = row->targets;
	row->targets = *now_take;
}

static void resolve_row(struct egress_rows *rows, struct egress_row *row,
	const struct nft_wanted *w, const struct nft_addresses *found, struct err *e)
{
	struct nft_addresses now = {0};
	struct err unreachable;
	/* Only an address that was found can be unreachable. */
	if (reach_pick(w, found, &now, &unreachable) < 0)
		*e = unreachable;
	set_note(row, e->code < 0 ? e->msg : NULL);
	services_rules_compare(row, &now, &rows->added, &rows->deleted);
	row->is_moved = row->is_resolved && !row->is_held && !same_addresses(&row->targets, &now);
	set_targets(row, &now);
	egress_row_adopt(row);
	row->is_resolved = true;
}

/* Addresses kept while a target is not known must still be reachable. */
static void keep(struct egress_row *row, const struct nft_wanted *w)
{
	struct nft_addresses now = {0};
	struct err unused;
	(void)reach_pick(w, &row->targets, &now, &unused);
	set_targets(row, &now);
}

/* Drops addresses of a former target that no longer exist. */
static void check_former(struct egress_former *former, const struct egress_netmap *netmap)
{
	struct nft_addresses found = {0};
	struct err unused;
	if (former->fqdn[0] != '\0')
		(void)!egress_resolve(former->fqdn, netmap, &found, &unused);
	size_t kept = 0;
	for (size_t i = 0; i < former->addresses.len; i++) {
		const struct ipaddr *addr = &former->addresses.items[i];
		bool is_there = former->fqdn[0] != '\0'
					? nft_addresses_contain(&found, addr)
					: peers_by_route(netmap->peers, addr) != NULL;
		if (is_there || !netmap->is_known)
			former->addresses.items[kept++] = *addr;
	}
	former->addresses.len = kept;
	nft_addresses_fini(&found);
}

static void check_formers(struct egress_row *row, const struct egress_netmap *netmap)
{
	for (size_t i = row->former_count; i > 0; i--) {
		check_former(&row->formers[i - 1], netmap);
		if (row->formers[i - 1].addresses.len == 0)
			egress_row_drop_former(row, i - 1);
	}
}

static void plan_row(struct egress_rows *rows, struct egress_row *row,
	const struct egress_netmap *netmap, const struct nft_wanted *w)
{
	struct nft_addresses found = {0};
	struct err e;
	row->is_new_note = false;
	row->is_moved = false;
	row->added = 0;
	row->deleted = 0;
	if (!row->has_version)
		return;
	if (find_targets(&row->wanted, netmap, &found, &e) == FINDING_KNOWN)
		resolve_row(rows, row, w, &found, &e);
	else
		keep(row, w);
	check_formers(row, netmap);
	nft_addresses_fini(&found);
}

void egress_plan_make(
	struct egress_rows *rows, const struct egress_netmap *netmap, const struct nft_wanted *w)
{
	egress_rows_purge(rows);
	rows->added = (struct egress_rules){0};
	rows->deleted = (struct egress_rules){0};
	for (size_t i = 0; i < rows->len; i++)
		plan_row(rows, &rows->items[i], netmap, w);
}

static int add_maps(const struct egress_row *row, struct nft_wanted *w, struct err *e)
{
	const struct egress_service *version = egress_row_version(row);
	for (size_t t = 0; t < row->targets.len; t++) {
		for (size_t p = 0; p < version->port_count; p++) {
			const struct egress_port *port = &version->ports[p];
			struct nft_portmap map = {.service = row->name,
				.proto = port->proto,
				.match_port = port->match,
				.target = row->targets.items[t],
				.target_port = port->target};
			if (nft_wanted_add_portmap(w, &map, e) < 0)
				return e->code;
		}
	}
	return 0;
}

void egress_plan_contribute(struct egress_rows *rows, struct nft_wanted *w)
{
	for (size_t i = 0; i < rows->len; i++) {
		struct egress_row *row = &rows->items[i];
		struct err e;
		if (row->is_removed || !row->is_resolved)
			continue;
		if (add_maps(row, w, &e) < 0) {
			set_note(row, e.msg);
			nft_addresses_fini(&row->targets);
		}
		for (size_t f = 0; f < row->former_count; f++) {
			const struct nft_addresses *list = &row->formers[f].addresses;
			for (size_t a = 0; a < list->len; a++)
				nft_wanted_add_live(w, &list->items[a]);
		}
	}
}

void egress_plan_wants(const struct egress_rows *rows, const struct records *records,
	struct strv *names, struct nft_addresses *routes)
{
	AUTO(strv_fini) struct strv fqdns = {0};
	for (size_t i = 0; i < rows->len; i++) {
		const struct egress_row *row = &rows->items[i];
		if (row->is_removed)
			continue;
		if (row->has_version && row->wanted.ip.family == IPADDR_NONE)
			strv_push(&fqdns, row->wanted.target_fqdn);
		for (size_t f = 0; f < row->former_count; f++) {
			const struct egress_former *former = &row->formers[f];
			if (former->fqdn[0] != '\0')
				strv_push(&fqdns, former->fqdn);
			for (size_t a = 0; former->fqdn[0] == '\0' && a < former->addresses.len;
				a++)
				nft_addresses_add(routes, &former->addresses.items[a]);
		}
	}
	if (fqdns.len > 1)
		strv_sort(&fqdns);
	for (size_t i = 0; i < fqdns.len; i++) {
		if (i == 0 || strcmp(fqdns.items[i - 1], fqdns.items[i]) != 0)
			egress_resolve_wants(fqdns.items[i], records, names, routes);
	}
}

/* Adds the ports in force to room. */
static size_t list_ports(const char *name, const struct egress_service *version,
	const struct egress_conflicts *conflicts, struct egress_port *room)
{
	size_t count = 0;
	for (size_t i = 0; i < version->port_count; i++) {
		const struct egress_port *port = &version->ports[i];
		if (egress_conflicts_find(conflicts, name, port->proto, port->match) == NULL)
			room[count++] = *port;
	}
	return count;
}

bool egress_plan_release(struct egress_rows *rows, const struct egress_answers *answers)
{
	bool is_any_withheld = false;
	for (size_t i = 0; i < rows->len; i++) {
		struct egress_row *row = &rows->items[i];
		if (!row->is_resolved || row->is_released)
			continue;
		row->is_released = answers == NULL || egress_answers_allow(answers, &row->targets);
		is_any_withheld |= !row->is_released;
	}
	return is_any_withheld;
}

static bool is_listed(const struct egress_row *row)
{
	return row->has_version && row->is_resolved && row->is_released;
}

char *egress_plan_status(const struct egress_rows *rows, const struct egress_conflicts *conflicts,
	const char *pod_ipv4, const char *pod_ipv6, size_t *count)
{
	AUTO(mem_free)
	struct egress_status_service *list = xcalloc(rows->len + 1, sizeof(*list));
	size_t port_count = 0;
	for (size_t i = 0; i < rows->len; i++) {
		if (is_listed(&rows->items[i]))
			port_count += egress_row_version(&rows->items[i])->port_count;
	}
	AUTO(mem_free) struct egress_port *ports = xcalloc(port_count + 1, sizeof(*ports));
	struct egress_port *room = ports;
	*count = 0;
	for (size_t i = 0; i < rows->len; i++) {
		const struct egress_row *row = &rows->items[i];
		if (!is_listed(row))
			continue;
		const struct egress_service *version = egress_row_version(row);
		size_t stand = list_ports(row->name, version, conflicts, room);
		list[(*count)++] = (struct egress_status_service){
			.name = row->name,
			.ports = room,
			.port_count = stand,
			.targets = row->targets.items,
			.target_count = row->targets.len,
			.target_ip = version->target_ip,
			.target_fqdn = version->target_fqdn,
		};
		room += stand;
	}
	return egress_status_print(pod_ipv4, pod_ipv6, list, *count);
}

const char *egress_plan_failure(const struct egress_row *row)
{
	if (row->is_removed)
		return NULL;
	if (row->fault != NULL)
		return row->fault;
	return row->is_resolved && row->targets.len == 0 ? row->note : NULL;
}
