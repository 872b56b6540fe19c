/*
 * /healthz, /readyz and /metrics. A process is ready when its caches are complete and it leads or
 * follows another that does; the reason of a 503 is its body.
 */
#ifndef CONTROLLER_PROBES_H
#define CONTROLLER_PROBES_H

#include <stdbool.h>

#include "lib/base/err.h"

struct httpd;
struct loop;
struct metrics;
struct probes;

struct probes_options {
	const char *address; /* address:port */
	/* NULL when it is ready, else why not. */
	const char *(*not_ready)(void *arg);
	/* Before the metrics are printed: values that are only read then. */
	void (*collect)(void *arg);
	void *arg;
	struct metrics *metrics;
};

/* NULL with the error set, which names the address. The options are copied. */
struct probes *probes_open(
	struct loop *loop, const struct probes_options *options, struct err *e) MUST_CHECK;
void probes_close(struct probes *p); /* NULL is accepted */

#endif
