#include "controller/engine/engine_lease.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_lease.h"
#include "lib/kube/kube_op.h"
#include "lib/kube/kube_outcome.h"

/* Two tries fit into the time for a renewal. */
#define REQUEST_MS 4000

struct engine_lease {
	struct kube *kube_ref;
	struct engine_lease_options options; /* its texts are owned */
	struct kube_election election;
	struct kube_call *call;
	uint64_t sent_ms;
	bool is_stale; /* a write has failed: read before the next one */
	bool has_led;  /* as reported last */
	bool is_leaving;
	struct timer next;
	struct timer limit; /* when it no longer leads */
};

static void report(struct engine_lease *l)
{
	bool leads = engine_lease_may_write(l);
	if (l->is_leaving || leads == l->has_led)
		return;
	l->has_led = leads;
	l->options.on_change(l->options.arg, leads);
}

static void trouble(struct engine_lease *l, const struct err *err)
{
	if (l->options.on_trouble != NULL)
		l->options.on_trouble(l->options.arg, err);
}

static void again(struct engine_lease *l)
{
	/* Up to a fifth later, so that candidates do not ask in step. */
	uint64_t spread_ms = backoff_jitter(KUBE_LEASE_RETRY_MS / 5);
	timer_start(&l->next, KUBE_LEASE_RETRY_MS + spread_ms);
	report(l);
}

/* Starts a request; one that cannot be sent counts as failed. */
static void request(
	struct engine_lease *l, enum kube_verb verb, const struct json *body, kube_fn fn)
{
	struct err e;
	const struct kube_op op = {
		.verb = verb,
		.target = {&kube_leases, l->options.ns,
			verb == KUBE_CREATE ? NULL : l->options.name, NULL},
		.body = body,
		.timeout_ms = REQUEST_MS,
	};
	l->sent_ms = clock_boot_ms();
	l->call = kube_op_start(l->kube_ref, &op, fn, l, &e);
	if (l->call != NULL)
		return;
	trouble(l, &e);
	if (l->is_leaving)
		l->options.on_released(l->options.arg);
	else
		again(l);
}

static uint64_t at_most_all(uint64_t passed_ms)
{
	return passed_ms < KUBE_LEASE_RENEW_MS ? passed_ms : KUBE_LEASE_RENEW_MS;
}

static void on_written(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct engine_lease *l = arg;
	struct kube_lease answer;
	struct err e;
	l->call = NULL;
	if (l->is_leaving) {
		l->options.on_released(l->options.arg);
		return;
	}
	if (err == NULL && kube_lease_decode(reply->body, &answer, &e) < 0)
		err = &e;
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (err == NULL) {
		kube_election_lead(&l->election, &answer, l->sent_ms);
		uint64_t passed_ms = clock_boot_ms() - l->sent_ms;
		timer_start(&l->limit, KUBE_LEASE_RENEW_MS - at_most_all(passed_ms));
	} else {
		l->is_stale = true;
		/* Another candidate was faster: nothing is wrong. */
		if (outcome != KUBE_CONFLICT && outcome != KUBE_EXISTS)
			trouble(l, err);
	}
	again(l);
}

static void write_step(struct engine_lease *l, enum kube_election_step step)
{
	struct kube_lease next;
	kube_election_fill(&l->election, step, clock_wall(), &next);
	AUTO(json_freep)
	struct json *body = kube_lease_document(&next, l->options.ns, l->options.name);
	request(l, step == KUBE_ELECTION_CREATE ? KUBE_CREATE : KUBE_UPDATE, body, on_written);
}

static void on_read(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct engine_lease *l = arg;
	struct kube_lease lease;
	struct err e;
	l->call = NULL;
	enum kube_outcome outcome = kube_outcome(reply, err);
	if (err == NULL && kube_lease_decode(reply->body, &lease, &e) < 0)
		err = &e;
	if (err != NULL && outcome != KUBE_NOT_FOUND) {
		trouble(l, err);
		again(l);
		return;
	}
	uint64_t now_ms = clock_boot_ms();
	l->is_stale = false;
	kube_election_see(&l->election, outcome == KUBE_NOT_FOUND ? NULL : &lease, now_ms);
	enum kube_election_step step = kube_election_step(&l->election, now_ms);
	if (step == KUBE_ELECTION_WAIT && l->options.takes_over)
		step = KUBE_ELECTION_ACQUIRE;
	if (step == KUBE_ELECTION_WAIT)
		again(l);
	else
		write_step(l, step);
}

static void on_next(void *arg)
{
	struct engine_lease *l = arg;
	/* The leader knows the record, unless a write has failed. */
	if (l->election.leads && !l->is_stale)
		write_step(l, KUBE_ELECTION_RENEW);
	else
		request(l, KUBE_GET, NULL, on_read);
}

static void on_limit(void *arg)
{
	report(arg);
}

struct engine_lease *engine_lease_new(struct loop *loop, struct kube *k,
	const struct engine_lease_options *options, struct err *e)
{
	size_t len = strlen(options->self);
	if (len == 0 || len >= KUBE_LEASE_HOLDER_MAX) {
		err_set(e, -EINVAL, "a candidate's name has 1 to %d bytes",
			KUBE_LEASE_HOLDER_MAX - 1);
		return NULL;
	}
	struct engine_lease *l = xcalloc(1, sizeof(*l));
	l->kube_ref = k;
	l->options = *options;
	l->options.ns = xstrdup(options->ns);
	l->options.name = xstrdup(options->name);
	memcpy(l->election.self, options->self, len);
	l->options.self = l->election.self;
	timer_init(&l->next, loop, on_next, l);
	timer_init(&l->limit, loop, on_limit, l);
	timer_start(&l->next, 0);
	return l;
}

void engine_lease_free(struct engine_lease *l)
{
	if (l == NULL)
		return;
	kube_cancel(l->call);
	timer_stop(&l->next);
	timer_stop(&l->limit);
	mem_free(&l->options.ns);
	mem_free(&l->options.name);
	free(l);
}

bool engine_lease_may_write(const struct engine_lease *l)
{
	return !l->is_leaving && kube_election_may_write(&l->election, clock_boot_ms());
}

bool engine_lease_is_busy(const struct engine_lease *l)
{
	return l->call != NULL;
}

void engine_lease_release(struct engine_lease *l)
{
	bool leads = engine_lease_may_write(l);
	l->is_leaving = true;
	kube_cancel(l->call);
	l->call = NULL;
	timer_stop(&l->next);
	timer_stop(&l->limit);
	if (leads)
		write_step(l, KUBE_ELECTION_RELEASE);
	else
		l->options.on_released(l->options.arg);
}
