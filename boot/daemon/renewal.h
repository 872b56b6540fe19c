/*
 * Makes a running daemon set up all its WireGuard sessions anew. The peer of a session may have
 * dropped it (lib/localapi/introduce.h); then what this side sends is lost until the daemon gives
 * the session up after 15 s, and there is no call that makes it do so. But a daemon that is
 * switched off and on again (`WantRunning`) begins with new handshakes. That takes 0.2 to 0.3 s, in
 * which nothing is forwarded; connections continue.
 *
 *	renewal_begin(&r, &target);  // target does not answer any more
 *	renewal_stop(&r);            // the daemon has ended
 *	renewal_resume(&r);          // the next one answers: it must not stay switched off
 */
#ifndef BOOT_DAEMON_RENEWAL_H
#define BOOT_DAEMON_RENEWAL_H

#include <stdbool.h>

#include "lib/base/backoff.h"
#include "lib/io/timer.h"

/* For one daemon: the control server sends its news of it in up to two parts. */
#define RENEWALS_MAX 2

struct ipaddr;
struct localapi;
struct localapi_call;

struct renewal {
	struct localapi *api_ref;
	struct localapi_call *call;
	struct timer retry;
	struct backoff backoff;
	unsigned int count; /* begun for this daemon */
	bool is_off;        /* switched off, or about to be, and not on again */
};

/* Fills a zeroed struct; api is borrowed. */
void renewal_init(struct renewal *r, struct loop *loop, struct localapi *api);
/* Ignored while one is under way, and for the rest of the daemon's life after RENEWALS_MAX. */
void renewal_begin(struct renewal *r, const struct ipaddr *target);
void renewal_resume(struct renewal *r);
void renewal_stop(struct renewal *r); /* zeroed is accepted */

#endif
