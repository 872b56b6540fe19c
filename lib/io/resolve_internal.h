/*
 * Insides of the resolver, shared by lib/io/resolve*.c and by nobody else.
 *
 * resolve.c          c-ares on our loop: configuration, lookups, answers
 * resolve_question.c those who asked: start, deliver, cancel
 * resolve_cache.c    last good answers
 */
#ifndef LIB_IO_RESOLVE_INTERNAL_H
#define LIB_IO_RESOLVE_INTERNAL_H

#include <sys/stat.h>

#include "lib/io/resolve.h"
#include "lib/io/resolve_cache.h"
#include "lib/io/timer.h"

#define RESOLVE_STALE_HOLD_MS 5000

struct ares_channeldata;
struct resolve_watch;

/* A question c-ares works on. It cannot be taken back, so it outlives those who asked; all who ask
 * for the same name wait for the same lookup. */
struct resolve_lookup {
	struct resolver *resolver_ref;
	struct resolve_lookup *next;
	char *host;
	bool is_due; /* to be asked by the next turn of the loop */
};

struct resolve {
	struct resolver *resolver_ref;
	struct resolve *next;
	const struct resolve_lookup *lookup_ref; /* NULL when the outcome is known */
	struct timer timer; /* deadline, then delivery: callbacks run from the loop only */
	char *host;
	resolve_fn fn;
	void *arg;
	bool is_delivering;
	struct err err; /* code 0: answer is good */
	struct resolve_answer answer;
};

struct resolver {
	struct loop *loop_ref;
	struct ares_channeldata *channel; /* NULL when the last attempt to set it up failed */
	struct timer timer;               /* c-ares' own */
	struct resolve *questions;
	struct resolve_lookup *lookups;
	struct resolve_watch *watches;
	struct resolve_cache cache;
	char *servers; /* NULL: those of the configuration */
	char *config;
	struct stat config_stat; /* as it was read */
};

/* resolve.c: finds or makes the lookup of a name; its outcome comes by resolve_settle, later. */
const struct resolve_lookup *resolve_lookup_start(struct resolver *r, const char *host);

/* resolve_question.c: those who wait for the lookup get the answer, or the error when that is NULL.
 */
void resolve_settle(struct resolver *r, const struct resolve_lookup *lookup,
	const struct resolve_answer *answer, const struct err *err);

#endif
