/*
 * A daemon's LocalAPI as a script, and a client of it: for the tests of the users of lib/localapi.
 * Time stands still until it is moved, back-off has no jitter, the log is captured.
 *
 *	daemon_says(b, "GET /localapi/v0/prefs", "200 OK", "{}");
 *	...
 *	daemon_expect(b, 0, "GET /localapi/v0/prefs", "");
 */
#ifndef TESTS_SUPPORT_DAEMON_BENCH_H
#define TESTS_SUPPORT_DAEMON_BENCH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/condition.h"
#include "tests/support/log_capture.h"
#include "tests/support/loop_wait.h"
#include "tests/support/raw_server.h"

#define DAEMON_REPLIES_MAX 16

struct fetcher;
struct localapi;

struct daemon_bench {
	struct loop *loop;
	struct fetcher *fetcher;
	char *dir; /* for the test's files, too */
	char *socket;
	struct raw_server *server;
	struct localapi *api;
	struct condition_set conditions;
	struct log_capture log;
	struct daemon_reply {
		const char *request, *status, *body;
	} replies[DAEMON_REPLIES_MAX];
	size_t reply_count;
};

void daemon_bench_open(struct daemon_bench *b);
void daemon_bench_close(struct daemon_bench *b);

/* From now on requests that begin with this text are answered like this; the newest rule counts.
 * status NULL = not at all. Everything else is answered with an empty 200. Texts are borrowed. */
void daemon_says(struct daemon_bench *b, const char *request, const char *status, const char *body);
/* Waits until so many requests have come in total. */
void daemon_wait(struct daemon_bench *b, unsigned int count);
/* The request of this number begins with this text and has exactly this body. */
void daemon_expect(const struct daemon_bench *b, size_t i, const char *request, const char *body);
/* Turns for a while; still exactly so many requests have come. */
void daemon_quiet(struct daemon_bench *b, unsigned int count);
/* Moves the time and runs what became due. */
void daemon_pass(struct daemon_bench *b, uint64_t ms);

#endif
