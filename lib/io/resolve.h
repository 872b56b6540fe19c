/*
 * Host names to addresses without blocking, through c-ares on the loop: hosts file, resolv.conf,
 * UDP and TCP are handled by c-ares; search domains, address families and the cache by this module.
 * Answers are kept for their TTL (at least 5 s, at most 10 min); when a name can no longer be
 * resolved, the last good answer is returned with `stale` set, so that a dead DNS server does not
 * cut off an API server that has not moved.
 *
 * A search domain that fails is skipped; the error is that of the host name as given. IPv4 and IPv6
 * are two queries: 50 ms after the first answer of one family it is returned without the other,
 * with `is_partial` set and a short ttl_s. A later request returns both, if the other one has been
 * answered meanwhile.
 */
#ifndef LIB_IO_RESOLVE_H
#define LIB_IO_RESOLVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

#define RESOLVE_ADDRESSES_MAX 64

struct loop;
struct resolver;
struct resolve;

struct resolve_answer {
	struct ipaddr addresses[RESOLVE_ADDRESSES_MAX]; /* in the order to try them */
	size_t count;
	uint32_t ttl_s;  /* time left */
	bool stale;      /* expired, but there is no newer one */
	bool is_partial; /* one family has no answer yet: addresses may be added, or old ones
 * removed */
};

/* err is NULL when there is an answer; else -ENOENT (no such name) or -EAGAIN / -ETIMEDOUT. Called
 * exactly once, never from within resolve_start, unless cancelled. A numeric host is its own
 * answer.
 *  */
typedef void (*resolve_fn)(void *arg, const struct resolve_answer *answer, const struct err *err);

struct resolver *resolver_new(struct loop *loop, struct err *e) MUST_CHECK;
/* Cancels all requests. Must not be called from a callback of one of them. */
void resolver_free(struct resolver *r);
/* Asks these servers ("127.0.0.1:5353,[::1]:53") instead of those of the configuration. */
int resolver_set_servers(struct resolver *r, const char *csv, struct err *e) MUST_CHECK;
/* Reads this file instead of /etc/resolv.conf. It is read again when it changes. */
int resolver_set_config(struct resolver *r, const char *path, struct err *e) MUST_CHECK;
/* NULL with -EINVAL for an invalid host name. timeout_ms 0 = as long as the servers are tried. */
struct resolve *resolve_start(struct resolver *r, const char *host, uint32_t timeout_ms,
	resolve_fn fn, void *arg, struct err *e) MUST_CHECK;
/* Cancels a request without a callback; safe inside any callback. NULL is accepted. */
void resolve_cancel(struct resolve *q);

#endif
