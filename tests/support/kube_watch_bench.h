/*
 * A watch of Services on a scripted API server, and what it reports: for the tests of
 * lib/kube/kube_watch.h. Time stands still until it is moved.
 *
 *	watch_answer(b, "/services?limit", "200 OK", "{…}");
 *	watch_stream(b, "watch=1", "{…}\n");
 *	watch_start(b, NULL);
 *	watch_wait(b, "complete");
 */
#ifndef TESTS_SUPPORT_KUBE_WATCH_BENCH_H
#define TESTS_SUPPORT_KUBE_WATCH_BENCH_H

#include "lib/kube/kube_watch.h"
#include "tests/support/api_bench.h"

#define WATCH_ANSWERS_MAX 8

struct kube_watch_bench {
	struct api_bench *api;
	struct kube_watch *watch;
	/* What the server says to requests with a text in them; the first that fits counts. */
	struct watch_answer {
		const char *request;
		struct raw_reply reply;
	} answers[WATCH_ANSWERS_MAX];
	size_t answer_count;
	struct strv seen; /* "begin", "item a/b", "complete", "added a/b", "trouble Gone", … */
	int refusal;      /* of changes, a negative errno */
};

int watch_bench_api_open(void **state);
int watch_bench_api_close(void **state);

void watch_forget_answers(struct kube_watch_bench *b);
/* An answer with a length. */
void watch_answer(
	struct kube_watch_bench *b, const char *request, const char *status, const char *body);
/* One that stays open after these bytes. */
void watch_stream(struct kube_watch_bench *b, const char *request, const char *frames);
/* One that ends in order after them. */
void watch_brief(struct kube_watch_bench *b, const char *request, const char *frames);
void watch_start(struct kube_watch_bench *b, const struct kube_watch_options *options);
/* Waits until the reports end with this one. */
void watch_wait(struct kube_watch_bench *b, const char *last);
/* Waits for a number of requests in total; the last one has this text in it. */
void watch_wait_request(struct kube_watch_bench *b, unsigned int count, const char *text);
/* Waits for a state, or for a version. */
void watch_wait_state(struct kube_watch_bench *b, enum kube_watch_state state);
void watch_wait_version(struct kube_watch_bench *b, const char *version);
/* Compares all reports so far, separated by commas, and forgets them. */
void watch_expect(struct kube_watch_bench *b, const char *reports);

#endif
