/*
 * Which names a look-up asks for, in what order, and what the answers to one of them mean. Pure.
 *
 * As glibc and Go have it: a name with enough dots is asked as it is first and in the search
 * domains afterwards, any other the other way round; one with a final dot only as it is. Whatever
 * one name brings but an address, the next one is asked.
 */
#ifndef LIB_IO_RESOLVE_STEPS_H
#define LIB_IO_RESOLVE_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

struct resolve_search {
	struct strv domains;
	size_t ndots; /* a name with so many dots is asked as it is first */
};

/* Of one family of addresses. */
enum resolve_state {
	RESOLVE_PENDING,
	RESOLVE_FOUND,
	RESOLVE_EMPTY,  /* the name has no address of this family */
	RESOLVE_ABSENT, /* there is no such name */
	RESOLVE_FAILED, /* refused, broken or silent: nothing is known */
};

enum resolve_move {
	RESOLVE_WAIT,
	RESOLVE_WAIT_SHORTLY, /* for the other family; then go on without it */
	RESOLVE_DELIVER,
	RESOLVE_NEXT, /* nothing found: the next name */
};

/* Name number `index` to ask for, NULL after the last. Caller frees. */
char *resolve_steps_name(const struct resolve_search *search, const char *host, size_t index);
/* Is that the host as it is? */
bool resolve_steps_is_absolute(const struct resolve_search *search, const char *host, size_t index);

/* What to do with the answers of the two families, in any order. */
enum resolve_move resolve_steps_move(enum resolve_state a, enum resolve_state b);

#endif
