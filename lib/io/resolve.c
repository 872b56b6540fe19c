#include "lib/io/resolve.h"

#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/loop.h"
#include "lib/io/resolve_internal.h"

#define TRY_MS 2000 /* for the first try of each server; c-ares doubles it */
#define TRIES 2
#define TTL_MIN_S 5
#define TTL_MAX_S 600
#define RESOLV_CONF "/etc/resolv.conf"

/* A socket of c-ares in our loop. */
struct resolve_watch {
	struct resolver *resolver_ref;
	struct resolve_watch *next;
	struct loop_source *source;
	int fd;
};

static void watch_remove(struct resolve_watch *w)
{
	struct resolve_watch **link = &w->resolver_ref->watches;
	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	loop_source_remove(w->source);
	free(w);
}

static struct resolve_lookup *next_due(const struct resolver *r)
{
	struct resolve_lookup *lookup = r->lookups;
	while (lookup != NULL && !lookup->is_due)
		lookup = lookup->next;
	return lookup;
}

/* c-ares keeps its own deadlines; ours only wakes it. */
static void arm_timer(struct resolver *r)
{
	struct timeval tv;
	if (next_due(r) != NULL) {
		timer_start(&r->timer, 0);
		return;
	}
	if (r->channel == NULL || ares_timeout(r->channel, NULL, &tv) == NULL) {
		timer_stop(&r->timer);
		return;
	}
	/* Rounded up, or the last fraction of a millisecond would be spent spinning. */
	timer_start(
		&r->timer, (uint64_t)tv.tv_sec * CLOCK_MS_PER_S + (uint64_t)tv.tv_usec / 1000 + 1);
}

static void on_ready(void *arg, uint32_t events)
{
	struct resolve_watch *w = arg;
	struct resolver *r = w->resolver_ref;
	bool failed = (events & (EPOLLERR | EPOLLHUP)) != 0;
	bool in = failed || (events & EPOLLIN) != 0;
	bool out = failed || (events & EPOLLOUT) != 0;
	/* The watch may be gone when this returns. */
	ares_process_fd(r->channel, in ? w->fd : ARES_SOCKET_BAD, out ? w->fd : ARES_SOCKET_BAD);
	arm_timer(r);
}

/* A socket that cannot be watched is left to the deadlines of c-ares. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct resolver *r = arg;
	struct resolve_watch *w = r->watches;
	uint32_t events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
	while (w != NULL && w->fd != fd)
		w = w->next;
	if (w != NULL && events == 0) {
		watch_remove(w);
	} else if (w != NULL) {
		loop_source_set(w->source, events);
	} else if (events != 0) {
		struct err e;
		w = xcalloc(1, sizeof(*w));
		w->resolver_ref = r;
		w->fd = fd;
		w->source = loop_add(r->loop_ref, fd, events, on_ready, w, &e);
		if (w->source == NULL) {
			free(w);
			return;
		}
		w->next = r->watches;
		r->watches = w;
	}
}

static int open_channel(struct resolver *r, struct err *e)
{
	struct ares_options options = {
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
		.resolvconf_path = r->config,
	};
	int mask =
		ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
	memset(&r->config_stat, 0, sizeof(r->config_stat));
	if (stat(r->config, &r->config_stat) < 0)
		memset(&r->config_stat, 0, sizeof(r->config_stat));
	int status = ares_init_options(&r->channel, &options, mask);
	if (status == ARES_SUCCESS && r->servers != NULL)
		status = ares_set_servers_ports_csv(r->channel, r->servers);
	if (status == ARES_SUCCESS)
		return 0;
	if (r->channel != NULL)
		ares_destroy(r->channel);
	r->channel = NULL;
	return err_set(e, status == ARES_ENOMEM ? -ENOMEM : -EINVAL, "set up DNS: %s",
		ares_strerror(status));
}

static bool is_config_changed(const struct resolver *r)
{
	struct stat now;
	const struct stat *then = &r->config_stat;
	if (stat(r->config, &now) < 0)
		memset(&now, 0, sizeof(now));
	return now.st_ino != then->st_ino || now.st_size != then->st_size ||
	       now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
	       now.st_mtim.tv_nsec != then->st_mtim.tv_nsec;
}

static void lookup_free(struct resolve_lookup *lookup)
{
	struct resolve_lookup **link = &lookup->resolver_ref->lookups;
	while (*link != lookup)
		link = &(*link)->next;
	*link = lookup->next;
	free(lookup->host);
	free(lookup);
}

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
	if (ttl < TTL_MIN_S)
		return TTL_MIN_S;
	return ttl > TTL_MAX_S ? TTL_MAX_S : (uint32_t)ttl;
}

static void read_answer(const struct ares_addrinfo *info, struct resolve_answer *out)
{
	int ttl = TTL_MAX_S;
	memset(out, 0, sizeof(*out));
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

static void explain(const char *host, int status, struct err *e)
{
	switch (status) {
	case ARES_SUCCESS: /* but nothing we can use */
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_ENONAME:
	case ARES_EBADNAME:
		err_set(e, -ENOENT, "lookup %s: no such host", host);
		break;
	case ARES_ETIMEOUT:
		err_set(e, -ETIMEDOUT, "lookup %s: no answer from the DNS servers", host);
		break;
	case ARES_ENOMEM:
		err_set(e, -ENOMEM, "lookup %s: out of memory", host);
		break;
	default:
		err_set(e, -EAGAIN, "lookup %s: %s", host, ares_strerror(status));
		break;
	}
}

/* No such name is an answer; for all else an old answer is better than none. */
static void lookup_fail(struct resolve_lookup *lookup, const struct err *why)
{
	struct resolver *r = lookup->resolver_ref;
	struct resolve_answer answer;
	if (why->code == -ENOENT) {
		resolve_cache_drop(&r->cache, lookup->host);
		resolve_settle(r, lookup, NULL, why);
	} else if (resolve_cache_revive(&r->cache, lookup->host, clock_now_ms(),
			   RESOLVE_STALE_HOLD_MS, &answer)) {
		resolve_settle(r, lookup, &answer, NULL);
	} else {
		resolve_settle(r, lookup, NULL, why);
	}
	lookup_free(lookup);
}

/* Called by c-ares, possibly from within ares_getaddrinfo. */
static void on_answer(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct resolve_lookup *lookup = arg;
	struct resolver *r = lookup->resolver_ref;
	struct resolve_answer answer = {0};
	struct err e;
	(void)timeouts;

	if (status == ARES_EDESTRUCTION) {
		/* For a change of the configuration, unless the resolver goes away. */
		lookup->is_due = true;
		return;
	}
	if (status == ARES_SUCCESS && info != NULL)
		read_answer(info, &answer);
	ares_freeaddrinfo(info);
	if (answer.count > 0) {
		resolve_cache_put(&r->cache, lookup->host, &answer, clock_now_ms());
		resolve_settle(r, lookup, &answer, NULL);
		lookup_free(lookup);
		return;
	}
	explain(lookup->host, status, &e);
	lookup_fail(lookup, &e);
}

static void ask(struct resolve_lookup *lookup)
{
	static const struct ares_addrinfo_hints hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
	};
	struct resolver *r = lookup->resolver_ref;
	lookup->is_due = false;
	/* The lookup may be gone when this returns. */
	ares_getaddrinfo(r->channel, lookup->host, NULL, &hints, on_answer, lookup);
}

/* Reads the configuration again; what is under way is asked again. */
static int reload(struct resolver *r, struct err *e)
{
	if (r->channel != NULL)
		ares_destroy(r->channel);
	r->channel = NULL;
	int result = open_channel(r, e);
	arm_timer(r);
	return result;
}

static void on_timer(void *arg)
{
	struct resolver *r = arg;
	struct resolve_lookup *lookup;
	struct err e;
	if (r->channel != NULL)
		ares_process_fd(r->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	while ((lookup = next_due(r)) != NULL) {
		if (r->channel != NULL || open_channel(r, &e) == 0)
			ask(lookup);
		else
			lookup_fail(lookup, &e);
	}
	arm_timer(r);
}

struct resolver *resolver_new(struct loop *loop, struct err *e)
{
	/* Counted by c-ares: each call needs its ares_library_cleanup. */
	int status = ares_library_init(ARES_LIB_INIT_ALL);
	if (status != ARES_SUCCESS) {
		err_set(e, -ENOMEM, "set up DNS: %s", ares_strerror(status));
		return NULL;
	}
	struct resolver *r = xcalloc(1, sizeof(*r));
	r->loop_ref = loop;
	r->config = xstrdup(RESOLV_CONF);
	timer_init(&r->timer, loop, on_timer, r);
	if (open_channel(r, e) < 0) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	while (r->questions != NULL)
		resolve_cancel(r->questions);
	if (r->channel != NULL)
		ares_destroy(r->channel);
	while (r->lookups != NULL)
		lookup_free(r->lookups);
	while (r->watches != NULL)
		watch_remove(r->watches);
	timer_stop(&r->timer);
	resolve_cache_fini(&r->cache);
	free(r->servers);
	free(r->config);
	free(r);
	ares_library_cleanup();
}

int resolver_set_servers(struct resolver *r, const char *csv, struct err *e)
{
	free(r->servers);
	r->servers = xstrdup(csv);
	return reload(r, e);
}

int resolver_set_config(struct resolver *r, const char *path, struct err *e)
{
	free(r->config);
	r->config = xstrdup(path);
	return reload(r, e);
}

const struct resolve_lookup *resolve_lookup_start(struct resolver *r, const char *host)
{
	struct err ignored; /* tried again when it is asked, and reported then */
	if (r->channel != NULL && is_config_changed(r))
		reload(r, &ignored);
	for (struct resolve_lookup *l = r->lookups; l != NULL; l = l->next) {
		if (str_equal_fold(l->host, host))
			return l;
	}
	struct resolve_lookup *lookup = xcalloc(1, sizeof(*lookup));
	lookup->resolver_ref = r;
	lookup->host = xstrdup(host);
	lookup->is_due = true;
	lookup->next = r->lookups;
	r->lookups = lookup;
	arm_timer(r);
	return lookup;
}
