/*
 * Ingress services with their surroundings: a file, a store, and the firewall in memory. Time
 * stands still until it is moved.
 *
 *	ingress_bench_put(f, "{\"svc:web\":…}");
 *	ingress_bench_start(f);
 *	ingress_bench_apply(f);
 */
#ifndef TESTS_SUPPORT_INGRESS_BENCH_H
#define TESTS_SUPPORT_INGRESS_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/condition.h"
#include "lib/nft/nft_model.h"
#include "tests/support/memory_place.h"

struct ingress_services;
struct nft;
struct nft_backend;

struct ingress_bench {
	struct place_bench b; /* conditions, log, store */
	char *dir;
	char *path;
	struct nft_backend *memory;
	struct nft *nft;
	struct ingress_services *s;
	unsigned int changes;
	unsigned int results;
	bool no_ipv6; /* the kernel has no firewall for it */
};

/* Setup and teardown of a test. */
int ingress_bench_open(void **state);
int ingress_bench_close(void **state);

/* Begins to serve the document, from the file as it is. */
void ingress_bench_start(struct ingress_bench *f);
/* Writes the document in one step. */
void ingress_bench_put(struct ingress_bench *f, const char *text);
/* Some turns of the loop, for the watch and the firewall. */
void ingress_bench_turns(struct ingress_bench *f);
/* A contribution goes to the firewall; its result comes in later turns. */
void ingress_bench_contribute(struct ingress_bench *f);
/* As in the data path, with a write of the status that succeeds. */
void ingress_bench_apply(struct ingress_bench *f);
/* As long as an empty document is not believed. */
void ingress_bench_pass_doubt(struct ingress_bench *f);
/* Changes the file and applies the result. */
void ingress_bench_change(struct ingress_bench *f, const char *text);

/* Elements of the map that translates. */
size_t ingress_bench_elements(struct ingress_bench *f, enum nft_model_family family);
bool ingress_bench_is_raised(const struct ingress_bench *f, const struct condition_kind *code);
/* Of a condition that must be raised. */
const char *ingress_bench_reason(const struct ingress_bench *f, const struct condition_kind *code);

#endif
