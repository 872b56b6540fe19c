/*
 * Does the control server still know the node? One that is deleted at Tailscale's own is told so.
 * Others (Headscale) leave its map stream open and say nothing, so the daemon believes itself to be
 * Running for ever. What they do refuse is the next update that the node sends of itself.
 *
 * At an interval the daemon is made to send one: it is given another token for push messages, which
 * nobody else uses. Whether it was accepted stands in the log of the daemon alone, which its
 * LocalAPI shows for these seconds ("logtap"). Before that its status is asked, which shows a daemon
 * that waits for somebody to visit an address. Reports, and never acts.
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

/* After each interval with an answer. why: it is not known; NULL: it is. */
typedef void (*registration_fn)(void *arg, const char *why);

struct registration {
	struct localapi *api_ref;
	uint64_t interval_ms; /* 0: nothing is asked */
	registration_fn fn;
	void *arg;
	struct timer next;
	struct timer patience;      /* for the words of the daemon's log */
	struct localapi_call *call; /* status, preferences, or the token */
	struct fetch *tap;
	struct buf line; /* of the log, not complete yet */
	bool is_other_token;
	bool is_again; /* no answer came to the question before */
	bool is_active;
};

void registration_init(struct registration *r, struct loop *loop, struct localapi *api,
	uint64_t interval_ms, registration_fn fn, void *arg);
/* Nothing while it is active. */
void registration_start(struct registration *r);
/* Zeroed is accepted. */
void registration_stop(struct registration *r);
/* The control server may want something: asks at once. */
void registration_look(struct registration *r);

enum registration_answer {
	REGISTRATION_NO_ANSWER,
	REGISTRATION_ACCEPTED,
	REGISTRATION_REFUSED,
};

/* What a line of the daemon's log says of an update. Pure. */
enum registration_answer registration_read_line(const char *line);

#endif
