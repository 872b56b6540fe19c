/*
 * Remembers the peers with which the daemon exchanges packets, and introduces the next daemon to
 * them after a restart (lib/localapi/introduce.h). The daemon is asked at an interval, until its
 * answer is too large: with thousands of peers it would cost more than it is worth. That is logged
 * once. (The first answer is as large as what the daemon sends to a new subscriber of its
 * notifications.)
 *
 *	contacts_greet(&contacts); // the node is Running
 *	contacts_lose(&contacts);  // the daemon has ended
 */
#ifndef BOOT_DAEMON_CONTACTS_H
#define BOOT_DAEMON_CONTACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/io/timer.h"
#include "lib/localapi/active_peers.h"
#include "lib/localapi/introduce.h"

/* Of the answer: a peer takes about 1 KiB. */
#define CONTACTS_REPLY_MAX (256u * 1024)

struct localapi;
struct localapi_call;

struct contacts {
	struct localapi *api_ref;
	uint32_t interval_ms;
	struct active_peers peers; /* of the newest answer */
	struct introduce introduce;
	struct localapi_call *call;
	struct timer next;
	bool is_watching; /* since contacts_greet */
	bool is_reported; /* that there are too many peers */
	bool is_lost;     /* the peers are those of a daemon that has ended */
};

/* Fills a zeroed struct; api is borrowed. */
void contacts_init(
	struct contacts *c, struct loop *loop, struct localapi *api, uint32_t interval_ms);
/* To be called as often as the node becomes Running. When that is not because of a new daemon, the
 * sessions may be new all the same. */
void contacts_greet(struct contacts *c);
/* The control server has sent news: so it may to the peers. */
void contacts_watch(struct contacts *c);
void contacts_lose(struct contacts *c); /* zeroed is accepted */

#endif
