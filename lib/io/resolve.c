#include "lib/io/resolve.h"

#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/loop.h"
#include "lib/io/resolve_internal.h"

#define TRY_MS 2000 /* for the first try of each server; c-ares doubles it */
#define TRIES 2
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
	if (r->dns == NULL || ares_timeout(r->dns, NULL, &tv) == NULL) {
		timer_stop(&r->timer);
		return;
	}
	/* Rounded up, or the loop would spin for the last fraction of a millisecond. */
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
	/* The watch may have been freed when this returns. */
	ares_process_fd(r->dns, in ? w->fd : ARES_SOCKET_BAD, out ? w->fd : ARES_SOCKET_BAD);
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

static void close_channels(struct resolver *r)
{
	if (r->files != NULL)
		ares_destroy(r->files);
	if (r->dns != NULL)
		ares_destroy(r->dns);
	r->files = NULL;
	r->dns = NULL;
}

/* c-ares reads the configuration; the candidate names are made here. */
static int read_search(struct resolver *r)
{
	struct ares_options options;
	int mask;
	int status = ares_save_options(r->files, &options, &mask);
	strv_reset(&r->search.domains);
	r->search.ndots = options.ndots > 0 ? (size_t)options.ndots : 0;
	for (int i = 0; status == ARES_SUCCESS && i < options.ndomains; i++) {
		/* The root domain stands for the host name as given. */
		if (strcmp(options.domains[i], ".") != 0)
			strv_push(&r->search.domains, options.domains[i]);
	}
	ares_destroy_options(&options);
	return status;
}

static int open_channels(struct resolver *r, struct err *e)
{
	char files[] = "f";
	char network[] = "b";
	struct ares_options options = {
		.timeout = TRY_MS,
		.tries = TRIES,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
		.resolvconf_path = r->config,
		.lookups = files,
	};
	int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
		   ARES_OPT_RESOLVCONF | ARES_OPT_LOOKUPS;
	if (stat(r->config, &r->config_stat) < 0)
		memset(&r->config_stat, 0, sizeof(r->config_stat));
	int status = ares_init_options(&r->files, &options, mask);
	if (status == ARES_SUCCESS)
		status = read_search(r);
	/* No domains, and every name as it is. */
	options.lookups = network;
	mask |= ARES_OPT_DOMAINS | ARES_OPT_NDOTS;
	if (status == ARES_SUCCESS)
		status = ares_init_options(&r->dns, &options, mask);
	if (status == ARES_SUCCESS && r->servers != NULL)
		status = ares_set_servers_ports_csv(r->dns, r->servers);
	if (status == ARES_SUCCESS)
		return 0;
	close_channels(r);
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

/* Reads the configuration again and repeats the queries under way. */
static int reload(struct resolver *r, struct err *e)
{
	close_channels(r);
	int code = open_channels(r, e);
	arm_timer(r);
	return code;
}

static void on_timer(void *arg)
{
	struct resolver *r = arg;
	struct resolve_lookup *lookup;
	struct err e;
	if (r->dns != NULL)
		ares_process_fd(r->dns, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	while ((lookup = next_due(r)) != NULL) {
		if (r->dns != NULL || open_channels(r, &e) == 0)
			resolve_lookup_advance(lookup);
		else
			resolve_lookup_fail(lookup, &e);
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
	if (open_channels(r, e) < 0) {
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
	close_channels(r);
	while (r->lookups != NULL)
		resolve_lookup_free(r->lookups);
	while (r->watches != NULL)
		watch_remove(r->watches);
	timer_stop(&r->timer);
	resolve_cache_fini(&r->cache);
	strv_fini(&r->search.domains);
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

void resolve_wake(struct resolver *r)
{
	arm_timer(r);
}

void resolve_refresh(struct resolver *r)
{
	struct err ignored; /* tried again at the next request, and reported then */
	if (r->dns != NULL && is_config_changed(r))
		reload(r, &ignored);
}
