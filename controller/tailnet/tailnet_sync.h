/*
 * One sync with the control plane of a tailnet: probe, list of devices, and, when asked for, a key
 * with the object's tags that is created and deleted at once. It has a deadline of its own.
 * (private)
 *
 *	sync = tailnet_sync_start(loop, planes, &request, on_end, me);
 */
#ifndef CONTROLLER_TAILNET_TAILNET_SYNC_H
#define CONTROLLER_TAILNET_TAILNET_SYNC_H

#include "controller/tailnet/tailnet_result.h"
#include "lib/base/str.h"

#define TAILNET_SYNC_MS 50000 /* less than a key of the queue has */
#define TAILNET_KEY_EXPIRY_S 300

struct loop;
struct planes;
struct tailnet_sync;

struct tailnet_request {
	const char *tailnet;
	const struct strv *tags;
	bool with_key;
};

typedef void (*tailnet_sync_fn)(void *arg, const struct tailnet_result *result);

/* The request is copied. fn is called exactly once, in a later turn of the loop, unless it is
 * cancelled; the handle is invalid then. */
struct tailnet_sync *tailnet_sync_start(struct loop *loop, struct planes *planes,
	const struct tailnet_request *request, tailnet_sync_fn fn, void *arg);
void tailnet_sync_cancel(struct tailnet_sync *sync); /* NULL is accepted */

#endif
