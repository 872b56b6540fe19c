#include "egress/services_log.h"

#include "egress/egress_events.h"
#include "egress/fqdn.h"
#include "egress/reach.h"
#include "egress/services_conflicts.h"
#include "egress/services_rows.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"

#define QUOTED_MAX 512

static void log_more(const struct log_few *few, const char *what)
{
	if (few->more > 0)
		log_event(EV_EGRESS_MORE, few->more, what);
}

void services_log_faults(struct egress_rows *rows)
{
	struct log_few few = {0};
	for (size_t i = 0; i < rows->len; i++) {
		struct egress_row *row = &rows->items[i];
		if (row->is_new_fault && log_few_take(&few))
			log_event(EV_EGRESS_SERVICE_FAULT, row->name, row->fault);
		row->is_new_fault = false;
	}
	log_more(&few, "have a fault; `tailboot check` names them all");
}

void services_log_removed(const struct egress_rows *rows)
{
	struct log_few few = {0};
	for (size_t i = 0; i < rows->len; i++) {
		const struct egress_row *row = &rows->items[i];
		if (row->is_removed && row->is_resolved && log_few_take(&few))
			log_event(EV_EGRESS_SERVICE_DELETED, row->name);
	}
	log_more(&few, "are no longer required");
}

/* Only the addresses of a name can change by themselves. */
static bool has_moved(const struct egress_row *row)
{
	return row->is_moved && row->wanted.ip.family == IPADDR_NONE;
}

static void log_moved(const struct egress_row *row)
{
	char name[FQDN_TEXT_MAX];
	char quoted[QUOTED_MAX];
	char old[REACH_LIST_MAX];
	char now[REACH_LIST_MAX];
	struct err unused;
	if (fqdn_normalise(row->wanted.target_fqdn, name, &unused) < 0)
		return;
	gotext_quote(name, quoted, sizeof(quoted));
	log_event(EV_EGRESS_BACKENDS_CHANGED, quoted, reach_format(&row->before, old),
		reach_format(&row->targets, now));
}

static void log_rules(const struct egress_rows *rows)
{
	struct log_few lines = {0};
	struct log_few without = {0};
	size_t added = 0;
	size_t deleted = 0;
	for (size_t i = 0; i < rows->len; i++) {
		const struct egress_row *row = &rows->items[i];
		if (row->added == 0 && row->deleted == 0)
			continue;
		if (row->targets.len == 0 && log_few_take(&without))
			log_event(EV_EGRESS_NO_BACKENDS, row->name);
		if (log_few_take(&lines)) {
			log_event(EV_EGRESS_SERVICE_RULES, row->name, row->added, row->deleted);
			continue;
		}
		added += row->added;
		deleted += row->deleted;
	}
	log_more(&without, "have no backend addresses");
	if (lines.more > 0)
		log_event(EV_EGRESS_MORE_RULES, lines.more, added, deleted);
}

static void log_each_rule(const struct egress_rows *rows)
{
	char target[IPADDR_TEXT_MAX];
	for (size_t i = 0; i < rows->added.len; i++) {
		const struct egress_rule *rule = &rows->added.items[i];
		log_event(EV_EGRESS_RULE_ADDED, rule->service, ipaddr_format(&rule->target, target),
			rule->port.match, rule->port.target, rule->port.protocol);
	}
	if (rows->added.more > 0)
		log_event(EV_EGRESS_RULES_MORE, rows->added.more, "added");
	for (size_t i = 0; i < rows->deleted.len; i++) {
		const struct egress_rule *rule = &rows->deleted.items[i];
		log_event(EV_EGRESS_RULE_DELETED, rule->service,
			ipaddr_format(&rule->target, target), rule->port.match, rule->port.target,
			rule->port.protocol);
	}
	if (rows->deleted.more > 0)
		log_event(EV_EGRESS_RULES_MORE, rows->deleted.more, "deleted");
}

void services_log_changes(const struct egress_rows *rows, bool is_node_renumbered)
{
	bool is_netmap = is_node_renumbered;
	struct log_few few = {0};
	if (is_node_renumbered)
		log_event(EV_EGRESS_NODE_CHANGED);
	for (size_t i = 0; i < rows->len; i++) {
		if (!has_moved(&rows->items[i]))
			continue;
		is_netmap = true;
		if (log_few_take(&few))
			log_moved(&rows->items[i]);
	}
	log_more(&few, "have other backend addresses");
	if (is_netmap)
		log_event(EV_EGRESS_NETMAP_CHANGED);
	log_rules(rows);
	log_each_rule(rows);
}

void services_log_notes(struct egress_rows *rows)
{
	struct log_few few = {0};
	for (size_t i = 0; i < rows->len; i++) {
		struct egress_row *row = &rows->items[i];
		if (row->is_new_note && log_few_take(&few))
			log_event(EV_EGRESS_SERVICE_TARGET, row->name, row->note);
		row->is_new_note = false;
	}
	log_more(&few, "have a target that cannot be found or reached");
}

void services_log_conflicts(
	const struct egress_conflicts *now, const struct egress_conflicts *before)
{
	char text[EGRESS_CONFLICT_TEXT_MAX];
	struct log_few few = {0};
	for (size_t i = 0; i < now->len; i++) {
		if (!egress_conflicts_contain(before, &now->items[i]) && log_few_take(&few))
			log_event(EV_EGRESS_SERVICE_CONFLICT, now->items[i].service,
				egress_conflict_format(&now->items[i], text));
	}
	log_more(&few, "have lost a port to another one");
}
