/*
 * Egress services with their surroundings: a directory, a tailnet, a store, and the planner of the
 * firewall in place of a kernel. Time stands still until it is moved.
 *
 *	egress_bench_put(b, "{\"web\":…}");       one change of the document, looked at
 *	egress_bench_round(b, 0);                 wants, contribution, result
 *	egress_bench_expect(b, "web tcp 80 100.64.0.2 8080");
 */
#ifndef TESTS_SUPPORT_EGRESS_BENCH_H
#define TESTS_SUPPORT_EGRESS_BENCH_H

#include <stdbool.h>

#include "lib/nft/nft_model.h"
#include "tests/support/memory_place.h"
#include "tests/support/tailnet.h"

struct egress_answers;
struct egress_services;

struct egress_bench {
	struct place_bench place;
	struct tailnet tailnet;
	char *dir;
	struct egress_services *services;
	unsigned int changed; /* calls of it */
	const char *own;      /* "100.64.0.1 fd7a::1" */
	bool has_no_v6;
	bool is_unknown;                      /* the peers are not reported yet */
	const struct egress_answers *answers; /* NULL: targets are not waited for */
	char *maps;                           /* of the last contribution, a line each */
	char *live;                           /* "[100.64.0.2]" */
};

/* Setup and teardown of a test. */
int egress_bench_open(void **state);
int egress_bench_close(void **state);

/* Begins to serve the directory. */
void egress_bench_start(struct egress_bench *b);
/* Writes the document in one step, NULL removes it, and lets the watch look. */
void egress_bench_put(struct egress_bench *b, const char *text);
void egress_bench_write(struct egress_bench *b, const char *text); /* before the begin */
/* Passes its wants to the tailnet. */
void egress_bench_want(struct egress_bench *b);
/* One contribution and its result: the outcome of the planner, or a failure. */
void egress_bench_round(struct egress_bench *b, int code);
void egress_bench_expect(const struct egress_bench *b, const char *maps);
/* The last status that was written, and the number of writes. */
void egress_bench_expect_status(struct egress_bench *b, const char *text, size_t count);
/* "" while it is not raised. */
const char *egress_bench_reason(const struct egress_bench *b, const struct condition_kind *code);
/* Lines with this text. */
size_t egress_bench_logged(const struct egress_bench *b, const char *part);

#endif
