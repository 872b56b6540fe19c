/*
 * A TailscaleTailnet "one" whose Secret is behind a scripted API server, and its scripted control
 * plane: for the tests of controller/tailnet. The key is handled as the engine does it, and the API
 * server's answers to writes are played. Time stands still until it is moved.
 *
 *	tailnet_bench_answer(b, KEY, "403 Forbidden", "{}");
 *	tailnet_bench_begin(b, SECRET_LIST(SECRET(FIRST, "1")));
 *	tailnet_bench_expect(b, "True Ready", "False InsufficientPermissions", …);
 */
#ifndef TESTS_SUPPORT_TAILNET_BENCH_H
#define TESTS_SUPPORT_TAILNET_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "controller/cluster/cluster.h"
#include "controller/planes/planes.h"
#include "controller/tailnet/tailnet.h"
#include "lib/base/json.h"
#include "tests/support/kube_watch_bench.h"

#define SECRET_LIST(items) \
	"{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"5\"},\"items\":[" items "]}"
/* client_id "first" or "other", client_secret "planted" */
#define SECRET(id, version)                                               \
	"{\"metadata\":{\"name\":\"cred\",\"resourceVersion\":\"" version \
	"\"},\"data\":{\"client_id\":\"" id "\",\"client_secret\":\"cGxhbnRlZA==\"}}"
#define FIRST "Zmlyc3Q="
#define OTHER "b3RoZXI="
#define FRAME(type, object) "{\"type\":\"" type "\",\"object\":" object "}\n"
#define DEVICE(id, name) "{\"id\":\"" id "\",\"nodeId\":\"" id "\",\"name\":\"" name "\"}"

enum {
	TOKEN,
	DEVICES,
	KEY,
	KEY_GONE,
	ANSWERS
};

struct tailnet_bench {
	struct kube_watch_bench *api;
	struct fetcher *fetcher;
	struct raw_server *control;
	struct raw_reply replies[ANSWERS];
	unsigned int asked[ANSWERS];
	struct cluster *cluster;
	struct planes *planes;
	struct tailnet *tailnet;
	struct engine_feature feature;
	struct json *object; /* as the API server has it */
	unsigned int changes;
	struct strv events, also; /* since the last look */
	bool is_done;
	bool moves_clock; /* while a call is under way, since it is tried again inside */
	const struct engine_step *running; /* a call that was not answered in time */
	void *handle;
	struct engine_plan plan; /* the last one without a sync */
};

int tailnet_bench_open(void **state);
int tailnet_bench_close(void **state);
/* What the control plane says from now on to TOKEN, DEVICES, … */
void tailnet_bench_answer(struct tailnet_bench *b, int what, const char *status, const char *body);
struct json *tailnet_bench_parse(const char *text);
/* The object is in the cluster as it is now. */
void tailnet_bench_feed(struct tailnet_bench *b);
/* Handles the key until it is at rest. Returns the number of requests that would have been sent to
 * the API server. */
size_t tailnet_bench_handle(struct tailnet_bench *b);
/* A call of a plan that is carried out by the test itself: it begins; it has ended. */
void tailnet_bench_start(struct tailnet_bench *b, const struct engine_step *step);
void tailnet_bench_wait(struct tailnet_bench *b);
/* The API server has these Secrets, and they are read; the tailnet is handled. */
void tailnet_bench_begin(struct tailnet_bench *b, const char *list);
/* "" when there is no such condition. */
const char *tailnet_bench_condition(
	const struct tailnet_bench *b, const char *type, const char *key);
/* Status and reason of each condition: "True Ready". */
void tailnet_bench_expect(const struct tailnet_bench *b, const char *authenticated,
	const char *validated, const char *ready);
/* Reasons of the Events since the last look. */
void tailnet_bench_expect_events(struct tailnet_bench *b, const char *reasons);
void tailnet_bench_advance(struct tailnet_bench *b, uint64_t ms);

#endif
