#include "lib/io/fetch_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/io/loop.h"

#define IDLE_CONNECTIONS_MAX 8

/* A socket of libcurl's in our loop. */
struct fetch_watch {
	struct fetcher *fetcher_ref;
	struct fetch_watch *next;
	struct loop_source *source;
	curl_socket_t fd;
};

static void collect(struct fetcher *f)
{
	CURLMsg *message;
	int left;
	/* The callback may start and cancel other requests: libcurl drops the messages of removed
	 * handles.
	 *  */
	while ((message = curl_multi_info_read(f->multi, &left)) != NULL) {
		if (message->msg != CURLMSG_DONE)
			continue;
		char *owner = NULL;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &owner);
		struct fetch *fetch = (struct fetch *)(void *)owner;
		struct err e;
		if (fetch_classify(fetch, message->data.result, &e) < 0)
			fetch_deliver(fetch, &e);
		else
			fetch_deliver(fetch, NULL);
	}
}

/* The only place where libcurl runs transfers. Its result is not needed: the failure of a transfer
 * comes as its message, and the deadlines catch everything else. */
static void drive(struct fetcher *f, curl_socket_t fd, int what)
{
	int running;
	f->is_inside = true;
	curl_multi_socket_action(f->multi, fd, what, &running);
	f->is_inside = false;
	fetch_run_deferred(f);
	collect(f);
}

static void on_timer(void *arg)
{
	drive(arg, CURL_SOCKET_TIMEOUT, 0);
}

static void on_ready(void *arg, uint32_t events)
{
	struct fetch_watch *watch = arg;
	int what = 0;
	if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		what |= CURL_CSELECT_IN;
	if (events & (EPOLLOUT | EPOLLERR))
		what |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		what |= CURL_CSELECT_ERR;
	/* The watch may have been freed when this returns. */
	drive(watch->fetcher_ref, watch->fd, what);
}

static int timer_callback(CURLM *multi, long delay_ms, void *arg)
{
	struct fetcher *f = arg;
	(void)multi;
	if (delay_ms < 0)
		timer_stop(&f->timer);
	else
		timer_start(&f->timer, (uint64_t)delay_ms);
	return 0;
}

static void watch_remove(struct fetch_watch *watch)
{
	struct fetch_watch **link = &watch->fetcher_ref->watches;
	while (*link != watch)
		link = &(*link)->next;
	*link = watch->next;
	loop_source_remove(watch->source);
	free(watch);
}

/* A socket that cannot be watched fails its request in fetch_run_deferred: returning an error to
 * libcurl would end every transfer of the multi handle. */
static void watch_refused(CURL *easy, const struct err *why)
{
	char *owner = NULL;
	if (easy == NULL || curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner) != CURLE_OK ||
		owner == NULL)
		return;
	struct fetch *fetch = (struct fetch *)(void *)owner;
	fetch->failure = *why;
	err_wrap(&fetch->failure, "%s", fetch->label);
}

static int socket_callback(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct fetcher *f = arg;
	struct fetch_watch *watch = socket_arg;

	if (what == CURL_POLL_REMOVE) {
		if (watch != NULL) {
			curl_multi_assign(f->multi, fd, NULL);
			watch_remove(watch);
		}
		return 0;
	}
	uint32_t events = 0;
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= EPOLLIN;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= EPOLLOUT;
	if (watch != NULL) {
		loop_source_set(watch->source, events);
		return 0;
	}

	struct err e;
	watch = xcalloc(1, sizeof(*watch));
	watch->fetcher_ref = f;
	watch->fd = fd;
	watch->source = loop_add(f->loop_ref, fd, events, on_ready, watch, &e);
	if (watch->source == NULL) {
		free(watch);
		watch_refused(easy, &e);
		return 0;
	}
	watch->next = f->watches;
	f->watches = watch;
	curl_multi_assign(f->multi, fd, watch);
	return 0;
}

int fetch_multi_open(struct fetcher *f, struct err *e)
{
	/* Replies and headers may be secrets. Counted by libcurl: each call needs its
	 * curl_global_cleanup. */
	CURLcode code = curl_global_init_mem(
		CURL_GLOBAL_DEFAULT, malloc, mem_wiping_free, mem_wiping_realloc, strdup, calloc);
	if (code != CURLE_OK)
		return err_set(e, -ENOMEM, "set up libcurl: %s", curl_easy_strerror(code));
	f->multi = curl_multi_init();
	if (f->multi == NULL) {
		curl_global_cleanup();
		return err_set(e, -ENOMEM, "set up libcurl: no multi handle");
	}
	timer_init(&f->timer, f->loop_ref, on_timer, f);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, socket_callback);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, timer_callback);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)IDLE_CONNECTIONS_MAX);
	curl_multi_setopt(f->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	return 0;
}

void fetch_multi_close(struct fetcher *f)
{
	curl_multi_cleanup(f->multi);
	while (f->watches != NULL)
		watch_remove(f->watches);
	timer_stop(&f->timer);
	curl_global_cleanup();
}
