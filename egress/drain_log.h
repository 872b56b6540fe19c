/*
 * What a drain logs: a line for each service and state, but no more than a reader can use. The
 * first DRAIN_LOG_LINES of each kind are written, the others are counted; the counts are written
 * from time to time, and at the end.
 */
#ifndef EGRESS_DRAIN_LOG_H
#define EGRESS_DRAIN_LOG_H

#include <stddef.h>
#include <stdint.h>

#define DRAIN_LOG_LINES 20
#define DRAIN_LOG_COUNTS_MS 10000

enum drain_line {
	DRAIN_LINE_NO_ENDPOINT,
	DRAIN_LINE_CHECKING,
	DRAIN_LINE_ROUTED,
	DRAIN_LINE_UNREACHABLE, /* of an endpoint, with the reason */
	DRAIN_LINE_GONE,
	DRAIN_LINE_GIVEN_UP, /* of an endpoint, with the reason */
	DRAIN_LINE_NOT_STOPPED,
	DRAIN_LINE_COUNT,
};

/* All zero at first. */
struct drain_log {
	size_t written[DRAIN_LINE_COUNT];
	size_t counted[DRAIN_LINE_COUNT]; /* not written yet */
	uint64_t flushed_ms;
};

/* name: of a service or an endpoint; reason NULL where the line has none. */
void drain_log_line(
	struct drain_log *log, enum drain_line line, const char *name, const char *reason);
/* Writes the counts, the first function only when they are due. */
void drain_log_flush_due(struct drain_log *log);
void drain_log_flush(struct drain_log *log);

#endif
