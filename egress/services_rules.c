#include "egress/services_rules.h"

/* A version of a service and its targets. */
struct version {
	const struct egress_service *service;
	const struct nft_addresses *targets;
};

static int compare_ports(const struct egress_port *a, const struct egress_port *b)
{
	int order = a->proto - b->proto;
	if (order == 0)
		order = a->match - b->match;
	return order != 0 ? order : a->target - b->target;
}

/* Ports are sorted sets: one pass finds those that are in both. */
static bool has_port(const struct version *v, size_t *from, const struct egress_port *port)
{
	while (*from < v->service->port_count && compare_ports(&v->service->ports[*from], port) < 0)
		++*from;
	return *from < v->service->port_count &&
	       compare_ports(&v->service->ports[*from], port) == 0;
}

/* Rules that are in a and not in b. */
static size_t list_missing(const char *name, const struct version *a, const struct version *b,
	struct egress_rules *rules)
{
	size_t count = 0;
	for (size_t t = 0; t < a->targets->len; t++) {
		const struct ipaddr *target = &a->targets->items[t];
		bool is_common = nft_addresses_contain(b->targets, target);
		size_t from = 0;
		for (size_t p = 0; p < a->service->port_count; p++) {
			const struct egress_port *port = &a->service->ports[p];
			if (is_common && has_port(b, &from, port))
				continue;
			count++;
			if (rules->len < LOG_FEW_LINES)
				rules->items[rules->len++] =
					(struct egress_rule){name, *target, *port};
			else
				rules->more++;
		}
	}
	return count;
}

void services_rules_compare(struct egress_row *row, const struct nft_addresses *now,
	struct egress_rules *added, struct egress_rules *deleted)
{
	static const struct nft_addresses nowhere = {0};
	const struct version new = {&row->wanted, now};
	const struct version old = {
		row->is_resolved ? egress_row_version(row) : &row->wanted,
		row->is_resolved ? &row->targets : &nowhere,
	};
	row->added = list_missing(row->name, &new, &old, added);
	row->deleted = list_missing(row->name, &old, &new, deleted);
}
