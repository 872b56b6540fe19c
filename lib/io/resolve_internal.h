/*
 * Internals of the resolver, shared by lib/io/resolve*.c only.
 *
 * resolve.c          c-ares on our loop: configuration, sockets, time resolve_lookup.c   one host
 * name: its queries, until there is an answer resolve_query.c    one query of c-ares, and what its
 * result means resolve_steps.c    names to ask for, meaning of two answers (pure)
 * resolve_question.c requests of callers: start, deliver, cancel resolve_cache.c    last good
 * answers
 */
#ifndef LIB_IO_RESOLVE_INTERNAL_H
#define LIB_IO_RESOLVE_INTERNAL_H

#include <sys/stat.h>

#include "lib/io/resolve.h"
#include "lib/io/resolve_cache.h"
#include "lib/io/resolve_steps.h"
#include "lib/io/timer.h"

#define RESOLVE_STALE_HOLD_MS 5000
#define RESOLVE_TTL_MIN_S 5
#define RESOLVE_TTL_MAX_S 600

struct ares_channeldata;
struct resolve_query;
struct resolve_watch;

/* The state of the addresses of one family. */
struct resolve_result {
	enum resolve_state state;
	struct err why;               /* of RESOLVE_FAILED, without the host */
	struct resolve_answer answer; /* of RESOLVE_FOUND */
};

/* IPv4 and IPv6, in this order. */
#define RESOLVE_FAMILIES 2

/* The lookup of a host name: in the hosts file first, then with one query for each family and
 * candidate name. All requests for the same host wait for the same lookup, which outlives them. */
struct resolve_lookup {
	struct resolver *resolver_ref;
	struct resolve_lookup *next;
	char *host;
	bool is_due;       /* has work to do in the next turn of the loop */
	bool is_asked;     /* the queries of this step are under way, or done */
	bool is_in_files;  /* this step: in the hosts file */
	bool is_delivered; /* the requests have the answer of one family; the other is awaited */
	bool is_in_doubt;  /* the queries for a candidate name failed */
	size_t name_index; /* of resolve_steps_name */
	struct resolve_query *queries[RESOLVE_FAMILIES]; /* NULL = not under way */
	struct resolve_result results[RESOLVE_FAMILIES];
	struct timer grace; /* for the second family */
	bool is_grace_over;
	struct err failure; /* of the host name as given */
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
	/* Both NULL when the last attempt to set them up failed. The hosts file and the network are
	 * asked separately, because c-ares would try the names in its own order. */
	struct ares_channeldata *files, *dns;
	struct resolve_search search; /* of the configuration */
	struct timer timer;           /* c-ares' own */
	struct resolve *questions;
	struct resolve_lookup *lookups;
	struct resolve_watch *watches;
	struct resolve_cache cache;
	char *servers; /* NULL: those of the configuration */
	char *config;
	struct stat config_stat; /* as it was read */
};

/* resolve.c: something became due. */
void resolve_wake(struct resolver *r);
/* Reads the configuration again if it has changed. */
void resolve_refresh(struct resolver *r);

/* resolve_lookup.c: finds or makes the lookup of a name; its outcome is passed to resolve_finish,
 * later. */
const struct resolve_lookup *resolve_lookup_start(struct resolver *r, const char *host);
/* Does what is due. The lookup may be freed afterwards. */
void resolve_lookup_advance(struct resolve_lookup *lookup);
void resolve_lookup_fail(struct resolve_lookup *lookup, const struct err *why);
/* Starts again because the configuration has changed. */
void resolve_lookup_restart(struct resolve_lookup *lookup);
void resolve_lookup_free(struct resolve_lookup *lookup);

/* resolve_query.c: asks for one family (IPADDR_NONE: any) of a name. The result is stored, and the
 * lookup made due, possibly before this returns. */
void resolve_query_start(struct resolve_lookup *lookup, struct ares_channeldata *channel,
	enum ipaddr_family family, const char *name);
/* Abandons a query; c-ares cannot cancel a single one. NULL is accepted. */
void resolve_query_abandon(struct resolve_query *query);

/* resolve_question.c: passes the answer, or the error when that is NULL, to the requests that wait
 * for the lookup.
 *  */
void resolve_finish(struct resolver *r, const struct resolve_lookup *lookup,
	const struct resolve_answer *answer, const struct err *err);

#endif
