/*
 * What is logged of the egress services, each fact once: at its begin and when it changes. The
 * marks of what is new are taken back once it is told.
 */
#ifndef EGRESS_SERVICES_TELL_H
#define EGRESS_SERVICES_TELL_H

#include <stdbool.h>

struct egress_conflicts;
struct egress_rows;

/* After a document was taken: what is wrong with it. */
void services_tell_faults(struct egress_rows *rows);
/* Before a plan: services that go with it. */
void services_tell_removed(const struct egress_rows *rows);
/* After a plan: targets that moved, and rules that come and go. */
void services_tell_changes(const struct egress_rows *rows, bool is_node_renumbered);
/* After a contribution: what of the targets cannot be found or reached. */
void services_tell_notes(struct egress_rows *rows);
/* Conflicts that were not there before. */
void services_tell_conflicts(
	const struct egress_conflicts *now, const struct egress_conflicts *before);

#endif
