/*
 * Checks whether the control server still knows the node. Tailscale's own server notifies a deleted
 * node. Others (Headscale) leave its map stream open and send nothing, so the daemon considers
 * itself Running for ever. But they refuse the next update that the node sends about itself.
 *
 * At an interval the daemon is made to send one: it gets another token for push messages, which has
 * no other use. Only the log of the daemon shows whether it was accepted; its LocalAPI streams the
 * log for these seconds ("logtap"). Before that its status is read, which shows a daemon that waits
 * for a login at an address. Reports only, and never acts.
 *
 *	registration_init(&registration, loop, api, interval_ms, on_answer, me);
 *	registration_start(&registration); // the node is Running
 */
#ifndef BOOT_LOGIN_REGISTRATION_H
#define BOOT_LOGIN_REGISTRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/io/timer.h"

struct fetch;
struct localapi;
struct localapi_call;
struct loop;

/* Called after each interval with an answer. why: the reason if the node is not known; NULL: it is
 * known. */
typedef void (*registration_fn)(void *arg, const char *why);

struct registration {
	struct localapi *api_ref;
	uint64_t interval_ms; /* 0: no checks */
	registration_fn fn;
	void *arg;
	struct timer next;
	struct timer patience;      /* for the lines of the daemon's log */
	struct localapi_call *call; /* status, preferences, or the token */
	struct fetch *tap;
	struct buf line; /* of the log, incomplete */
	bool is_other_token;
	bool is_again; /* the previous check had no answer */
	bool is_active;
};

void registration_init(struct registration *r, struct loop *loop, struct localapi *api,
	uint64_t interval_ms, registration_fn fn, void *arg);
/* Nothing while it is active. */
void registration_start(struct registration *r);
/* Zeroed is accepted. */
void registration_stop(struct registration *r);
/* The control server may require a login: checks at once. */
void registration_look(struct registration *r);

enum registration_answer {
	REGISTRATION_NO_ANSWER,
	REGISTRATION_ACCEPTED,
	REGISTRATION_REFUSED,
};

/* What a line of the daemon's log says about an update. Pure. */
enum registration_answer registration_read_line(const char *line);

#endif
