#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/resolve_internal.h"

/* The argument of a query in c-ares; it cannot be cancelled, so it outlives a lookup that abandons
 * it.
 *  */
struct resolve_query {
	struct resolve_lookup *lookup; /* NULL = abandoned */
	size_t slot;                   /* of the lookup's queries and results */
};

static bool read_address(const struct ares_addrinfo_node *node, struct ipaddr *out)
{
	memset(out, 0, sizeof(*out));
	if (node->ai_family == AF_INET) {
		struct sockaddr_in v4;
		memcpy(&v4, node->ai_addr, sizeof(v4));
		out->family = IPADDR_V4;
		memcpy(out->bytes, &v4.sin_addr, sizeof(v4.sin_addr));
		return true;
	}
	if (node->ai_family == AF_INET6) {
		struct sockaddr_in6 v6;
		memcpy(&v6, node->ai_addr, sizeof(v6));
		out->family = IPADDR_V6;
		memcpy(out->bytes, &v6.sin6_addr, sizeof(v6.sin6_addr));
		return true;
	}
	return false;
}

static uint32_t clamp_ttl(int ttl)
{
	if (ttl < RESOLVE_TTL_MIN_S)
		return RESOLVE_TTL_MIN_S;
	return ttl > RESOLVE_TTL_MAX_S ? RESOLVE_TTL_MAX_S : (uint32_t)ttl;
}

static void read_answer(const struct ares_addrinfo *info, struct resolve_answer *out)
{
	int ttl = RESOLVE_TTL_MAX_S;
	for (const struct ares_addrinfo_cname *c = info->cnames; c != NULL; c = c->next)
		ttl = c->ttl < ttl ? c->ttl : ttl;
	for (const struct ares_addrinfo_node *n = info->nodes; n != NULL; n = n->ai_next) {
		if (out->count == RESOLVE_ADDRESSES_MAX)
			break;
		if (read_address(n, &out->addresses[out->count]))
			out->count++;
		ttl = n->ai_ttl < ttl ? n->ai_ttl : ttl;
	}
	out->ttl_s = clamp_ttl(ttl);
}

static enum resolve_state explain(int status, struct err *why)
{
	switch (status) {
	case ARES_SUCCESS: /* but without an address we can use */
	case ARES_ENODATA:
		return RESOLVE_EMPTY;
	case ARES_ENOTFOUND:
	case ARES_ENONAME:
	case ARES_EBADNAME:
		return RESOLVE_ABSENT;
	case ARES_ETIMEOUT:
		err_set(why, -ETIMEDOUT, "no answer from the DNS servers");
		return RESOLVE_FAILED;
	case ARES_ENOMEM:
		err_set(why, -ENOMEM, "out of memory");
		return RESOLVE_FAILED;
	default:
		err_set(why, -EAGAIN, "%s", ares_strerror(status));
		return RESOLVE_FAILED;
	}
}

/* Called by c-ares, possibly from within ares_getaddrinfo. */
static void on_result(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolve_query *query = arg;
	struct resolve_lookup *lookup = query->lookup;
	(void)timeouts;
	if (lookup == NULL) {
		ares_freeaddrinfo(info);
		free(query);
		return;
	}
	struct resolve_result *result = &lookup->results[query->slot];
	lookup->queries[query->slot] = NULL;
	memset(result, 0, sizeof(*result));
	if (status == ARES_SUCCESS && info != NULL)
		read_answer(info, &result->answer);
	result->state = result->answer.count > 0 ? RESOLVE_FOUND : explain(status, &result->why);
	lookup->is_due = true;
	/* The channel was destroyed for a change of the configuration, or with the resolver. */
	if (status == ARES_EDESTRUCTION)
		resolve_lookup_restart(lookup);
	ares_freeaddrinfo(info);
	free(query);
}

void resolve_query_start(struct resolve_lookup *lookup, struct ares_channeldata *channel,
	enum ipaddr_family family, const char *name)
{
	struct ares_addrinfo_hints hints = {
		.ai_family = family == IPADDR_V4   ? AF_INET
			     : family == IPADDR_V6 ? AF_INET6
						   : AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct resolve_query *query = xcalloc(1, sizeof(*query));
	query->lookup = lookup;
	query->slot = family == IPADDR_V6 ? 1 : 0;
	lookup->queries[query->slot] = query;
	lookup->results[query->slot].state = RESOLVE_PENDING;
	/* The query may have been freed when this returns. */
	ares_getaddrinfo(channel, name, NULL, &hints, on_result, query);
}

void resolve_query_abandon(struct resolve_query *query)
{
	if (query != NULL)
		query->lookup = NULL;
}
