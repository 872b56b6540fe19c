/*
 * Whether the daemon still serves what was posted: its serve config may be cleared by hand, and
 * the daemon sends no notification. So it is polled as long as there is something to keep.
 *
 * It must still have the ports, hosts, mount points and Services of the document, not their
 * values, and it may have more: additions made by hand are left alone. A daemon that lacks
 * something right after the post stores it in another form, and is not polled again; one that has
 * nothing at all was cleared in between, and is given the document once more.
 *
 *	struct serve_watch *w = serve_watch_new(loop, api, 3000, on_cleared, me);
 *	serve_watch_start(w, document);
 */
#ifndef INGRESS_SERVE_WATCH_H
#define INGRESS_SERVE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct json;
struct localapi;
struct loop;
struct serve_watch;

/* Called once when something is missing, from the loop; the watch has stopped by then. */
typedef void (*serve_watch_fn)(void *arg);

struct serve_watch *serve_watch_new(struct loop *loop, struct localapi *api, uint32_t interval_ms,
	serve_watch_fn fn, void *arg);
void serve_watch_free(struct serve_watch *w);
/* The daemon has just accepted this document, which is copied. */
void serve_watch_start(struct serve_watch *w, const char *document);
void serve_watch_stop(struct serve_watch *w);

/* Pure: whether all of ours is there. Members are case-insensitive, as in Go. */
bool serve_watch_is_served(const struct json *ours, const struct json *theirs);

#endif
