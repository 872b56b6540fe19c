/*
 * Conditions: what is wrong right now, by code. Any layer raises and clears; one set is owned by
 * the program and passed down by pointer. A transition is logged once: raised, reason changed,
 * cleared. Health, metrics and reports read the same set.
 *
 * A kind of condition is defined by the folder that raises it (FOLDER/FOLDER_conditions.c); the
 * program lists all kinds that it can raise when it makes the set.
 */
#ifndef LIB_BASE_CONDITION_H
#define LIB_BASE_CONDITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a raised condition does to readiness. */
enum condition_readiness {
	CONDITION_WARNS,              /* nothing: what the program serves is not affected */
	CONDITION_EXPLAINS,           /* nothing by itself; it explains what is not ready */
	CONDITION_BLOCKS,             /* not ready */
	CONDITION_BLOCKS_AFTER_GRACE, /* the same, unless it ends soon by itself */
};

struct condition_kind {
	const char *name;  /* the code: "KeyUsed" */
	const char *group; /* kinds of one group are documented, and may be cleared, together */
	enum condition_readiness readiness;
	const char *meaning; /* one sentence */
	const char *advice;  /* what to do, one sentence */
};

#define CONDITION_KIND(id, group_, readiness_, name_, meaning_, advice_) \
	const struct condition_kind condition_##id = {.name = (name_),   \
		.group = (group_),                                       \
		.readiness = (readiness_),                               \
		.meaning = (meaning_),                                   \
		.advice = (advice_)}

#define CONDITION_REASON_MAX 256

struct condition {
	const struct condition_kind *kind;
	bool raised;
	char reason[CONDITION_REASON_MAX]; /* one line, no secrets, "" while it is not raised */
	uint64_t since_ms;                 /* clock_now_ms at the raise */
	uint64_t transitions;
	uint64_t cause; /* of the reason: lib/base/cause.h */
	/* The lines of the minute that began with the first of them. */
	uint64_t minute_ms;
	uint32_t lines;
	uint32_t withheld;
};

typedef void (*condition_withheld_fn)(void *arg);

/* Valid when zeroed: it holds no kind. */
struct condition_set {
	struct condition *items; /* in the order in which the kinds were added */
	size_t count;
	void (*on_change)(void *arg); /* NULL: none */
	void *arg;
	condition_withheld_fn withheld;
	void *withheld_arg;
};

/* Adds kinds, each once. For the start, before the first use of the set. */
void condition_set_add(
	struct condition_set *set, const struct condition_kind *const kinds[], size_t count);
/* fn is called after each transition. One at a time. */
void condition_set_watch(struct condition_set *set, void (*fn)(void *arg), void *arg);
void condition_set_fini(struct condition_set *set);

/* Each of these aborts when the set does not hold the kind. */

/* Raises with a reason, or changes the reason of a raised one. The same reason again does nothing;
 * a reason that differs only in numbers that change with each try (lib/base/cause.h) replaces it
 * without a line. A long reason loses its middle. */
void condition_raise(struct condition_set *set, const struct condition_kind *kind, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));
void condition_clear(struct condition_set *set, const struct condition_kind *kind);
bool condition_is_raised(const struct condition_set *set, const struct condition_kind *kind);
const struct condition *condition_get(
	const struct condition_set *set, const struct condition_kind *kind);

/* In one minute at most CONDITION_LINES lines are written about one condition; later ones are
 * withheld and counted. The callback is called when the first is withheld. A minute later
 * condition_report writes one line with the count and the present state for each condition whose
 * minute has passed, and calls the callback again for the remaining ones. The next change of a
 * condition also writes its line. */
#define CONDITION_LINES 6
#define CONDITION_LINES_MS 60000

void condition_on_withheld(struct condition_set *set, condition_withheld_fn fn, void *arg);
void condition_report(struct condition_set *set);

bool condition_is_of_group(const struct condition_kind *kind, const char *group);
/* The first raised condition of a group, NULL when there is none. */
const struct condition *condition_first_raised(const struct condition_set *set, const char *group);

#endif
