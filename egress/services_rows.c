#include "egress/services_rows.h"

#include <stdlib.h>
#include <string.h>

#include "egress/fqdn.h"
#include "lib/base/mem.h"

const struct egress_service *egress_row_version(const struct egress_row *row)
{
	return row->is_held ? &row->held : &row->wanted;
}

/* The address comes before the name. */
static bool is_by_name(const struct egress_service *s)
{
	return s->ip.family == IPADDR_NONE;
}

static bool same_target(const struct egress_service *a, const struct egress_service *b)
{
	if (is_by_name(a) != is_by_name(b))
		return false;
	return is_by_name(a) ? fqdn_equal(a->target_fqdn, b->target_fqdn)
			     : ipaddr_equal(&a->ip, &b->ip);
}

void egress_row_drop_held(struct egress_row *row)
{
	if (row->is_held)
		egress_service_fini(&row->held);
	row->is_held = false;
}

void egress_row_adopt(struct egress_row *row)
{
	if (row->is_held && !same_target(&row->held, &row->wanted))
		row->is_released = false;
	egress_row_drop_held(row);
}

void egress_row_drop_former(struct egress_row *row, size_t i)
{
	free(row->formers[i].fqdn);
	nft_addresses_fini(&row->formers[i].addresses);
	row->former_count--;
	memmove(&row->formers[i], &row->formers[i + 1],
		(row->former_count - i) * sizeof(row->formers[0]));
}

static void row_fini(struct egress_row *row)
{
	while (row->former_count > 0)
		egress_row_drop_former(row, row->former_count - 1);
	free(row->formers);
	egress_row_drop_held(row);
	if (row->has_version)
		egress_service_fini(&row->wanted);
	nft_addresses_fini(&row->targets);
	nft_addresses_fini(&row->before);
	free(row->name);
	free(row->fault);
	free(row->note);
}

void egress_rows_fini(struct egress_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++)
		row_fini(&rows->items[i]);
	free(rows->items);
	*rows = (struct egress_rows){0};
}

bool egress_rows_any(const struct egress_rows *rows)
{
	for (size_t i = 0; i < rows->len; i++) {
		if (!rows->items[i].is_removed)
			return true;
	}
	return false;
}

void egress_rows_purge(struct egress_rows *rows)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->len; i++) {
		if (rows->items[i].is_removed)
			row_fini(&rows->items[i]);
		else
			rows->items[kept++] = rows->items[i];
	}
	rows->len = kept;
}

/* For a service whose target changes all the time: connections to the oldest targets are given
 * up. */
#define FORMERS_MAX 16

static bool is_former(const struct egress_former *former, const struct egress_service *s)
{
	if (is_by_name(s))
		return former->fqdn[0] != '\0' && fqdn_equal(former->fqdn, s->target_fqdn);
	return former->fqdn[0] == '\0' && nft_addresses_contain(&former->addresses, &s->ip);
}

static void remember(struct egress_row *row, const struct egress_service *old)
{
	if (row->targets.len == 0)
		return;
	if (row->former_count == FORMERS_MAX)
		egress_row_drop_former(row, 0);
	struct egress_former former = {.fqdn = xstrdup(is_by_name(old) ? old->target_fqdn : "")};
	for (size_t i = 0; i < row->targets.len; i++)
		nft_addresses_add(&former.addresses, &row->targets.items[i]);
	row->formers = xrealloc(row->formers, row->former_count + 1, sizeof(*row->formers));
	row->formers[row->former_count++] = former;
}

static void forget(struct egress_row *row, const struct egress_service *now)
{
	for (size_t i = row->former_count; i > 0; i--) {
		if (is_former(&row->formers[i - 1], now))
			egress_row_drop_former(row, i - 1);
	}
}

static bool set_fault(struct egress_row *row, char *fault_take)
{
	bool is_same = row->fault == NULL || fault_take == NULL
			       ? row->fault == fault_take
			       : strcmp(row->fault, fault_take) == 0;
	row->is_new_fault = !is_same && fault_take != NULL;
	free(row->fault);
	row->fault = fault_take;
	return !is_same;
}

/* The version in force is kept until the new one can be applied. */
static void replace_version(struct egress_row *row, struct egress_service *new_take)
{
	if (row->has_version && row->is_resolved && !row->is_held) {
		if (!same_target(&row->wanted, new_take))
			remember(row, &row->wanted);
		row->held = row->wanted;
		row->is_held = true;
	} else if (row->has_version) {
		egress_service_fini(&row->wanted);
	}
	row->wanted = *new_take;
	row->has_version = true;
	forget(row, &row->wanted);
}

/* True when the desired firewall has changed. */
static bool update_service(struct egress_row *row, struct egress_service *service_take)
{
	bool was_removed = row->is_removed;
	row->is_removed = false;
	bool has_fault = service_take->fault != NULL;
	set_fault(row, STEAL(service_take->fault));
	if (has_fault || (row->has_version && egress_service_equal(&row->wanted, service_take))) {
		egress_service_fini(service_take);
		return was_removed;
	}
	replace_version(row, service_take);
	return true;
}

/* True when the firewall has rules for it. */
static bool remove_row(struct egress_row *row)
{
	bool is_new = !row->is_removed && row->has_version;
	row->is_removed = true;
	set_fault(row, NULL);
	return is_new;
}

bool egress_rows_update(struct egress_rows *rows, struct egress_config *config_take)
{
	size_t room = rows->len + config_take->count;
	struct egress_row *merged = xcalloc(room + 1, sizeof(*merged));
	bool is_changed = false;
	size_t len = 0;
	size_t old = 0;
	size_t new = 0;
	while (old < rows->len || new < config_take->count) {
		struct egress_row *row = &merged[len++];
		int order = 1;
		if (old < rows->len)
			order = new == config_take->count
					? -1
					: strcmp(rows->items[old].name,
						  config_take->services[new].name);
		if (order <= 0)
			*row = rows->items[old++];
		else
			row->name = xstrdup(config_take->services[new].name);
		is_changed |= order < 0 ? remove_row(row)
					: update_service(row, &config_take->services[new ++]);
	}
	free(rows->items);
	rows->items = merged;
	rows->len = len;
	rows->generation += is_changed;
	free(config_take->services);
	*config_take = (struct egress_config){0};
	return is_changed;
}
