#include "controller/metrics.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/keyed.h"
#include "lib/base/mem.h"

/* Text format 0.0.4 of Prometheus' exposition formats. */
static const struct {
	const char *name, *type, *help;
} rows[METRICS_COUNT] = {
	[METRIC_RECONCILES] = {"reconcile_total", "counter",
		"Objects handled, by kind and result."},
	[METRIC_RECONCILE_MS] = {"reconcile_milliseconds_total", "counter",
		"Time from the beginning to the end of the handling of objects."},
	[METRIC_QUEUE_DEPTH] = {"queue_depth", "gauge", "Objects that wait to be handled."},
	[METRIC_WATCH_RESTARTS] = {"watch_restarts_total", "counter",
		"Tries to list or watch a kind that have failed, by cause."},
	[METRIC_KUBE_REQUESTS] = {"kube_requests_total", "counter", "Requests to the API server."},
	[METRIC_CONTROL_REQUESTS] = {"control_requests_total", "counter",
		"Requests to control planes, by tailnet, operation and status."},
	[METRIC_KEYS_CREATED] = {"auth_keys_created_total", "counter", "Auth keys made."},
	[METRIC_REISSUES] = {"reissues_total", "counter", "Auth keys made because a proxy asked."},
	[METRIC_DEVICES_DELETED] = {"devices_deleted_total", "counter", "Devices deleted."},
	[METRIC_EGRESS_PORTS] = {"egress_ports_used", "gauge",
		"Ports of egress Services, by group; at most 1000."},
	[METRIC_LEADER] = {"leader", "gauge", "1 while this process holds the Lease."},
	[METRIC_LONGEST_TURN_MS] = {"loop_longest_turn_milliseconds", "gauge",
		"Longest turn of the event loop since the start."},
	[METRIC_SERIES_LOST] = {"series_lost_total", "counter",
		"Changes of metrics that have no series, since there are too many."},
};

struct series {
	char *labels; /* the key of the index */
	uint64_t value;
};

struct metrics {
	struct keyed series[METRICS_COUNT];
	size_t count;
};

struct metrics *metrics_new(void)
{
	return xcalloc(1, sizeof(struct metrics));
}

static void drop(void *item)
{
	struct series *series = item;
	free(series->labels);
	free(series);
}

void metrics_free(struct metrics *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < METRICS_COUNT; i++)
		keyed_fini(&m->series[i], drop);
	free(m);
}

static struct series *find(struct metrics *m, enum metric metric, const char *labels)
{
	struct series *series = keyed_find(&m->series[metric], labels);
	if (series != NULL)
		return series;
	/* The one for what is lost always has room. */
	if (m->count >= METRICS_SERIES_MAX && metric != METRIC_SERIES_LOST)
		return find(m, METRIC_SERIES_LOST, "");
	series = xcalloc(1, sizeof(*series));
	series->labels = xstrdup(labels);
	keyed_put(&m->series[metric], series);
	m->count += metric != METRIC_SERIES_LOST ? 1 : 0;
	return series;
}

static struct series *__attribute__((format(printf, 3, 0)))
find_formatted(struct metrics *m, enum metric metric, const char *fmt, va_list args)
{
	AUTO(mem_free) char *labels = xvasprintf(fmt, args);
	return find(m, metric, labels);
}

void metrics_add(struct metrics *m, enum metric metric, uint64_t value, const char *labels, ...)
{
	va_list args;
	va_start(args, labels);
	find_formatted(m, metric, labels, args)->value += value;
	va_end(args);
}

void metrics_set(struct metrics *m, enum metric metric, uint64_t value, const char *labels, ...)
{
	va_list args;
	va_start(args, labels);
	find_formatted(m, metric, labels, args)->value = value;
	va_end(args);
}

static int print_metric(const struct metrics *m, enum metric metric, struct buf *out, struct err *e)
{
	const struct keyed *all = &m->series[metric];
	const char *name = rows[metric].name;
	if (all->len == 0)
		return 0;
	int code = buf_printf(out, e,
		"# HELP tailboot_controller_%s %s\n# TYPE tailboot_controller_%s %s\n", name,
		rows[metric].help, name, rows[metric].type);
	for (size_t i = 0; code == 0 && i < all->len; i++) {
		const struct series *series = all->items[i];
		bool has_labels = series->labels[0] != '\0';
		code = buf_printf(out, e, "tailboot_controller_%s%s%s%s %llu\n", name,
			has_labels ? "{" : "", series->labels, has_labels ? "}" : "",
			(unsigned long long)series->value);
	}
	return code;
}

int metrics_print(const struct metrics *m, struct buf *out, struct err *e)
{
	int code = 0;
	for (size_t i = 0; code == 0 && i < METRICS_COUNT; i++)
		code = print_metric(m, (enum metric)i, out, e);
	return code;
}
