/*
 * The log lines of the egress services, each fact once: when it begins and when it changes. The
 * marks of what is new are cleared once it is logged.
 */
#ifndef EGRESS_SERVICES_LOG_H
#define EGRESS_SERVICES_LOG_H

#include <stdbool.h>

struct egress_conflicts;
struct egress_rows;

/* After a document has been read: its faults. */
void services_log_faults(struct egress_rows *rows);
/* Before a plan: services that it will remove. */
void services_log_removed(const struct egress_rows *rows);
/* After a plan: changed targets, added and deleted rules. */
void services_log_changes(const struct egress_rows *rows, bool is_node_renumbered);
/* After a contribution: targets that cannot be found or reached. */
void services_log_notes(struct egress_rows *rows);
/* New conflicts. */
void services_log_conflicts(
	const struct egress_conflicts *now, const struct egress_conflicts *before);

#endif
