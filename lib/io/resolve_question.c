#include "lib/io/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/resolve_internal.h"

#define HOST_MAX 254 /* RFC 1035 section 2.3.4, with the final dot */
#define NUMERIC_TTL_S 600

void resolve_finish(struct resolver *r, const struct resolve_lookup *lookup,
	const struct resolve_answer *answer, const struct err *err)
{
	for (struct resolve *q = r->questions; q != NULL; q = q->next) {
		if (q->lookup_ref != lookup)
			continue;
		q->lookup_ref = NULL;
		if (answer != NULL)
			q->answer = *answer;
		else
			q->err = *err;
		timer_start(&q->timer, 0);
	}
}

static void question_free(struct resolve *q)
{
	struct resolve **link = &q->resolver_ref->questions;
	while (*link != q)
		link = &(*link)->next;
	*link = q->next;
	timer_stop(&q->timer);
	free(q->host);
	free(q);
}

static void on_timer(void *arg)
{
	struct resolve *q = arg;
	struct resolver *r = q->resolver_ref;
	bool is_late = q->lookup_ref != NULL;
	q->lookup_ref = NULL;
	if (is_late && !resolve_cache_revive(&r->cache, q->host, clock_now_ms(),
			       RESOLVE_STALE_HOLD_MS, &q->answer))
		err_set(&q->err, -ETIMEDOUT, "lookup %s: no answer in time", q->host);
	q->is_delivering = true;
	if (q->err.code != 0)
		q->fn(q->arg, NULL, &q->err);
	else
		q->fn(q->arg, &q->answer, NULL);
	question_free(q);
}

static bool is_host(const char *host)
{
	size_t len = strlen(host);
	if (len == 0 || len > HOST_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (host[i] <= ' ' || host[i] >= 0x7f)
			return false;
	}
	return true;
}

struct resolve *resolve_start(struct resolver *r, const char *host, uint32_t timeout_ms,
	resolve_fn fn, void *arg, struct err *e)
{
	struct err ignored;
	if (!is_host(host)) {
		err_set(e, -EINVAL, "lookup: not a host name");
		return NULL;
	}
	struct resolve *q = xcalloc(1, sizeof(*q));
	q->resolver_ref = r;
	q->host = xstrdup(host);
	q->fn = fn;
	q->arg = arg;
	q->next = r->questions;
	r->questions = q;
	timer_init(&q->timer, r->loop_ref, on_timer, q);

	if (ipaddr_parse(host, &q->answer.addresses[0], &ignored) == 0) {
		q->answer.count = 1;
		q->answer.ttl_s = NUMERIC_TTL_S;
		timer_start(&q->timer, 0);
	} else if (resolve_cache_get(&r->cache, host, clock_now_ms(), &q->answer)) {
		timer_start(&q->timer, 0);
	} else {
		q->lookup_ref = resolve_lookup_start(r, host);
		if (timeout_ms > 0)
			timer_start(&q->timer, timeout_ms);
	}
	return q;
}

void resolve_cancel(struct resolve *q)
{
	if (q != NULL && !q->is_delivering)
		question_free(q);
}
