/*
 * Which names a look-up asks for, in what order, and what the answers to one of them mean. Pure.
 *
 * As in glibc and Go: a name with enough dots is tried as given first and in the search domains
 * afterwards, any other name the other way round; a name with a final dot only as given. Unless a
 * candidate yields an address, the next one is tried.
 */
#ifndef LIB_IO_RESOLVE_STEPS_H
#define LIB_IO_RESOLVE_STEPS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

struct resolve_search {
	struct strv domains;
	size_t ndots; /* a name with so many dots is tried as given first */
};

/* Of one family of addresses. */
enum resolve_state {
	RESOLVE_PENDING,
	RESOLVE_FOUND,
	RESOLVE_EMPTY,  /* the name has no address of this family */
	RESOLVE_ABSENT, /* there is no such name */
	RESOLVE_FAILED, /* refused, broken or no answer: nothing is known */
};

enum resolve_move {
	RESOLVE_WAIT,
	RESOLVE_WAIT_SHORTLY, /* for the other family, then continue without it */
	RESOLVE_DELIVER,
	RESOLVE_NEXT, /* nothing found: the next name */
};

/* Name number `index` to ask for, NULL after the last. Caller frees. */
char *resolve_steps_name(const struct resolve_search *search, const char *host, size_t index);
bool resolve_steps_has_more(const struct resolve_search *search, const char *host, size_t index);
/* Whether that is the host name as given. */
bool resolve_steps_is_absolute(const struct resolve_search *search, const char *host, size_t index);

/* What to do with the answers of the two families, in any order. has_more: other names follow, and
 * a server that fails for one family holds them up only shortly for the other one. */
enum resolve_move resolve_steps_move(enum resolve_state a, enum resolve_state b, bool has_more);

#endif
