/*
 * A place for statestore in memory whose answers the test controls, and a store over it whose time
 * stands still until it is moved.
 *
 *	place_bench_open(&b);
 *	statestore_set(b.store, "a", "1");
 *	place_turn(&b);
 *	place_expect_writes(&b, "a=1", 1);
 *	place_answer(&b, 0, 0);
 */
#ifndef TESTS_SUPPORT_MEMORY_PLACE_H
#define TESTS_SUPPORT_MEMORY_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/condition.h"
#include "lib/base/str.h"
#include "statestore/statestore.h"
#include "tests/support/log_capture.h"

#define PLACE_BASE_MS 200
#define PLACE_MAX_MS 3000
#define PLACE_AWAY_MAX_MS 1000

struct place {
	struct strv writes; /* "key=value key2-" for each write */
	store_written_fn written_fn;
	void *written_arg;
	unsigned int lists;
	store_listed_fn listed_fn;
	void *listed_arg;
	unsigned int cancels, frees;
};

struct place_bench {
	struct loop *loop;
	struct condition_set conditions;
	struct place place;
	struct statestore *store;
	unsigned int answered; /* calls of its on_answered */
	struct log_capture log;
};

/* Back-off without jitter, fake clock, log captured. Ends the program on failure. */
void place_bench_open(struct place_bench *b);
void place_bench_close(struct place_bench *b);

void place_turn(struct place_bench *b);
void place_pass(struct place_bench *b, uint64_t ms); /* time, then a turn */

bool place_is_writing(const struct place_bench *b);
/* Expects so many writes in total, and the last of them. */
void place_expect_writes(const struct place_bench *b, const char *last, size_t count);
/* Answers the write under way; code 0 = success. */
void place_answer(struct place_bench *b, int code, uint64_t retry_after_ms);
/* Answers the pending list of keys: words, or an error. */
void place_answer_list(struct place_bench *b, const char *keys, int code);

#endif
