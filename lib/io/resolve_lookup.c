#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/resolve_internal.h"

/* For the family that is slower (RFC 8305 section 3). */
#define GRACE_MS 50
#define DISCARD_PORT 9

static const enum ipaddr_family family_of_slot[RESOLVE_FAMILIES] = {IPADDR_V4, IPADDR_V6};

static void on_grace_over(void *arg)
{
	struct resolve_lookup *lookup = arg;
	lookup->is_grace_over = true;
	lookup->is_due = true;
	resolve_wake(lookup->resolver_ref);
}

static void abandon_queries(struct resolve_lookup *lookup)
{
	for (size_t i = 0; i < RESOLVE_FAMILIES; i++) {
		resolve_query_abandon(lookup->queries[i]);
		lookup->queries[i] = NULL;
	}
}

void resolve_lookup_free(struct resolve_lookup *lookup)
{
	struct resolve_lookup **link = &lookup->resolver_ref->lookups;
	while (*link != lookup)
		link = &(*link)->next;
	*link = lookup->next;
	abandon_queries(lookup);
	timer_stop(&lookup->grace);
	free(lookup->host);
	free(lookup);
}

/* An address without a route would be tried in vain; a unique local one has a lower preference than
 * any IPv4 address (RFC 6724 section 2.1). */
static bool is_preferred(const struct ipaddr *v6)
{
	struct sockaddr_in6 to = {.sin6_family = AF_INET6, .sin6_port = htons(DISCARD_PORT)};
	if ((v6->bytes[0] & 0xfe) == 0xfc)
		return false;
	memcpy(&to.sin6_addr, v6->bytes, sizeof(to.sin6_addr));
	/* Nothing is sent: the kernel only looks for a route. */
	AUTO(fd_close) int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static void add_address(struct resolve_answer *out, const struct resolve_answer *from, size_t i)
{
	if (i < from->count && out->count < RESOLVE_ADDRESSES_MAX)
		out->addresses[out->count++] = from->addresses[i];
}

/* Alternating (RFC 8305 section 4), so that an unreachable family costs one try. */
static void merge(const struct resolve_answer *v4, const struct resolve_answer *v6,
	struct resolve_answer *out)
{
	bool is_v6_first = v6->count > 0 && is_preferred(&v6->addresses[0]);
	const struct resolve_answer *first = is_v6_first ? v6 : v4;
	const struct resolve_answer *second = is_v6_first ? v4 : v6;
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < RESOLVE_ADDRESSES_MAX; i++) {
		add_address(out, first, i);
		add_address(out, second, i);
	}
	out->ttl_s = RESOLVE_TTL_MAX_S;
	if (v4->count > 0 && v4->ttl_s < out->ttl_s)
		out->ttl_s = v4->ttl_s;
	if (v6->count > 0 && v6->ttl_s < out->ttl_s)
		out->ttl_s = v6->ttl_s;
}

/* The addresses of the last good answer, however old: a family with a slow server must not
 * vanish. */
static void keep_last(
	struct resolve_lookup *lookup, enum ipaddr_family family, struct resolve_answer *out)
{
	struct resolve_answer last;
	if (!resolve_cache_last(&lookup->resolver_ref->cache, lookup->host, &last))
		return;
	out->ttl_s = RESOLVE_TTL_MAX_S;
	for (size_t i = 0; i < last.count; i++) {
		if (last.addresses[i].family == family)
			add_address(out, &last, i);
	}
}

static void deliver(struct resolve_lookup *lookup)
{
	struct resolver *r = lookup->resolver_ref;
	struct resolve_answer parts[RESOLVE_FAMILIES] = {0};
	struct resolve_answer answer;
	bool is_partial = false;
	for (size_t i = 0; i < RESOLVE_FAMILIES; i++) {
		if (lookup->results[i].state == RESOLVE_FOUND)
			parts[i] = lookup->results[i].answer;
		if (lookup->results[i].state != RESOLVE_PENDING)
			continue;
		is_partial = true;
		keep_last(lookup, family_of_slot[i], &parts[i]);
	}
	merge(&parts[0], &parts[1], &answer);
	answer.is_partial = is_partial;
	resolve_cache_put(&r->cache, lookup->host, &answer, clock_now_ms());
	if (is_partial)
		answer.ttl_s = RESOLVE_PARTIAL_TTL_S;
	resolve_finish(r, lookup, &answer, NULL);
	lookup->is_delivered = true;
	if (!is_partial)
		resolve_lookup_free(lookup);
}

/* "No such name" is an answer. For any other failure an old answer is better than none, and also
 * when a search domain that may contain the host could not be asked. */
void resolve_lookup_fail(struct resolve_lookup *lookup, const struct err *why)
{
	struct resolver *r = lookup->resolver_ref;
	struct resolve_answer answer;
	if (why->code == -ENOENT && !lookup->is_in_doubt) {
		resolve_cache_drop(&r->cache, lookup->host);
		resolve_finish(r, lookup, NULL, why);
	} else if (resolve_cache_revive(&r->cache, lookup->host, clock_now_ms(),
			   RESOLVE_STALE_HOLD_MS, &answer)) {
		resolve_finish(r, lookup, &answer, NULL);
	} else {
		resolve_finish(r, lookup, NULL, why);
	}
	resolve_lookup_free(lookup);
}

/* The error of the host name as given is the one that is reported. */
static void note_failure(struct resolve_lookup *lookup)
{
	const struct resolver *r = lookup->resolver_ref;
	struct err why;
	err_set(&why, -ENOENT, "no such host");
	for (size_t i = 0; i < RESOLVE_FAMILIES; i++) {
		if (lookup->results[i].state == RESOLVE_FAILED) {
			why = lookup->results[i].why;
			lookup->is_in_doubt = true;
		}
	}
	if (resolve_steps_is_absolute(&r->search, lookup->host, lookup->name_index)) {
		lookup->failure = why;
		err_wrap(&lookup->failure, "lookup %s", lookup->host);
	}
}

static void ask(struct resolve_lookup *lookup)
{
	const struct resolver *r = lookup->resolver_ref;
	if (lookup->is_in_files) {
		lookup->is_asked = true;
		lookup->results[1] = (struct resolve_result){.state = RESOLVE_EMPTY};
		resolve_query_start(lookup, r->files, IPADDR_NONE, lookup->host);
		return;
	}
	AUTO(mem_free)
	char *name = resolve_steps_name(&r->search, lookup->host, lookup->name_index);
	if (name == NULL) {
		resolve_lookup_fail(lookup, &lookup->failure);
		return;
	}
	lookup->is_asked = true;
	for (size_t i = 0; i < RESOLVE_FAMILIES; i++)
		lookup->results[i] = (struct resolve_result){.state = RESOLVE_PENDING};
	for (size_t i = 0; i < RESOLVE_FAMILIES; i++)
		resolve_query_start(lookup, r->dns, family_of_slot[i], name);
}

/* The next step begins in the next turn. */
static void go_on(struct resolve_lookup *lookup)
{
	if (!lookup->is_in_files) {
		note_failure(lookup);
		lookup->name_index++;
	}
	abandon_queries(lookup);
	timer_stop(&lookup->grace);
	lookup->is_grace_over = false;
	lookup->is_in_files = false;
	lookup->is_asked = false;
	lookup->is_due = true;
}

static enum resolve_move next_move(const struct resolve_lookup *lookup)
{
	enum resolve_state v4 = lookup->results[0].state;
	enum resolve_state v6 = lookup->results[1].state;
	bool has_more =
		!lookup->is_in_files && resolve_steps_has_more(&lookup->resolver_ref->search,
						lookup->host, lookup->name_index);
	enum resolve_move move = resolve_steps_move(v4, v6, has_more);
	if (move != RESOLVE_WAIT_SHORTLY || !lookup->is_grace_over)
		return move;
	return v4 == RESOLVE_FOUND || v6 == RESOLVE_FOUND ? RESOLVE_DELIVER : RESOLVE_NEXT;
}

void resolve_lookup_advance(struct resolve_lookup *lookup)
{
	lookup->is_due = false;
	if (!lookup->is_asked) {
		ask(lookup);
		return;
	}
	switch (next_move(lookup)) {
	case RESOLVE_WAIT:
		break;
	case RESOLVE_WAIT_SHORTLY:
		if (!timer_is_armed(&lookup->grace))
			timer_start(&lookup->grace, GRACE_MS);
		break;
	case RESOLVE_DELIVER:
		deliver(lookup);
		break;
	case RESOLVE_NEXT:
		go_on(lookup);
		break;
	}
}

void resolve_lookup_restart(struct resolve_lookup *lookup)
{
	/* The requests have a good answer; the next request starts a new lookup. */
	if (lookup->is_delivered)
		return;
	timer_stop(&lookup->grace);
	lookup->is_grace_over = false;
	lookup->is_in_doubt = false;
	lookup->is_in_files = true;
	lookup->is_asked = false;
	lookup->is_due = true;
	lookup->name_index = 0;
}

const struct resolve_lookup *resolve_lookup_start(struct resolver *r, const char *host)
{
	resolve_refresh(r);
	for (struct resolve_lookup *l = r->lookups; l != NULL; l = l->next) {
		if (!str_equal_fold(l->host, host))
			continue;
		if (!l->is_delivered)
			return l;
		/* Its answer has expired, and the family it still waits for will be asked again.
		 *  */
		resolve_lookup_free(l);
		break;
	}
	struct resolve_lookup *lookup = xcalloc(1, sizeof(*lookup));
	lookup->resolver_ref = r;
	lookup->host = xstrdup(host);
	timer_init(&lookup->grace, r->loop_ref, on_grace_over, lookup);
	lookup->next = r->lookups;
	r->lookups = lookup;
	resolve_lookup_restart(lookup);
	resolve_wake(r);
	return lookup;
}
