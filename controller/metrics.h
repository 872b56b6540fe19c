/*
 * Metrics in the text format of Prometheus: counters and gauges by name and labels, and a summary
 * of how long keys take. A series exists from its first change on. No value and no label is a
 * secret.
 *
 *	metrics_add(m, METRIC_RECONCILES, 1, "kind=\"%s\",result=\"%s\"", kind, result);
 *	metrics_print(m, &out, &e);
 */
#ifndef CONTROLLER_METRICS_H
#define CONTROLLER_METRICS_H

#include <stdint.h>

#include "lib/base/buf.h"

#define METRICS_SERIES_MAX 20000 /* further series are counted in one of their own */

enum metric {
	METRIC_RECONCILES,
	METRIC_RECONCILE_MS,
	METRIC_QUEUE_DEPTH,
	METRIC_WATCH_RESTARTS,
	METRIC_KUBE_REQUESTS,
	METRIC_CONTROL_REQUESTS,
	METRIC_KEYS_CREATED,
	METRIC_REISSUES,
	METRIC_DEVICES_DELETED,
	METRIC_EGRESS_PORTS,
	METRIC_LEADER,
	METRIC_LONGEST_TURN_MS,
	METRIC_SERIES_LOST,
	METRICS_COUNT,
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *m); /* NULL is accepted */
/* labels: "" or `name="value",…`. */
void metrics_add(struct metrics *m, enum metric metric, uint64_t value, const char *labels, ...)
	__attribute__((format(printf, 4, 5)));
void metrics_set(struct metrics *m, enum metric metric, uint64_t value, const char *labels, ...)
	__attribute__((format(printf, 4, 5)));
int metrics_print(const struct metrics *m, struct buf *out, struct err *e) MUST_CHECK;

#endif
