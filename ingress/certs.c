#include "ingress/certs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/ingress_conditions.h"
#include "ingress/ingress_events.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/gotext.h"
#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/localapi/localapi.h"

/* Pause before the listed domains are fetched again when that failed or one was missing, unless
 * our own node changes earlier. */
#define LOOK_UP_MS 60000

struct schedule {
	struct certs *owner;
	char *domain;
	bool is_listed; /* by the daemon: it may be requested */
	uint32_t failures;
	bool is_failing; /* the last attempt failed, whatever the counter says */
	struct timer timer;
	uint64_t due_ms; /* of the next attempt, kept across a pause */
	struct localapi_call *call;
	struct schedule *next;
};

struct certs {
	struct loop *loop_ref;
	struct localapi *api_ref;
	struct condition_set *conditions_ref;
	struct schedule *schedules;
	struct localapi_call *look_up;
	struct timer look_up_timer;
	bool is_paused;
};

static void ask(void *arg);
static void look_up(void *arg);

static enum certs_outcome classify(const struct localapi_reply *reply, const struct err *err)
{
	static const char *const not_reached[] = {"context deadline exceeded", "context canceled",
		"connection refused", "connection reset", "network is unreachable",
		"no route to host", "broken pipe", "i/o timeout"};
	if (err == NULL)
		return CERTS_ISSUED;
	if (reply->status == 0)
		return CERTS_NOT_REACHED;
	if (reply->status == 429 && reply->retry_after_ms > 0)
		return CERTS_RATE_LIMITED;
	for (size_t i = 0; i < ARRAY_LEN(not_reached); i++) {
		if (strstr(err->msg, not_reached[i]) != NULL)
			return CERTS_NOT_REACHED;
	}
	return CERTS_FAILED;
}

static bool any_failed(const struct certs *c)
{
	for (const struct schedule *s = c->schedules; s != NULL; s = s->next) {
		if (s->is_failing)
			return true;
	}
	return false;
}

static void on_cert(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct schedule *s = arg;
	struct certs *c = s->owner;
	s->call = NULL;
	enum certs_outcome outcome = classify(reply, err);
	uint64_t delay = certs_next_try_ms(outcome, reply->retry_after_ms, &s->failures);
	/* Replicas must not request the same domain at the same time. */
	delay = outcome == CERTS_RATE_LIMITED ? backoff_asked(delay, CERTS_PAUSE_MAX_MS)
					      : backoff_jitter((uint32_t)delay);
	s->due_ms = clock_now_ms() + delay;
	timer_start(&s->timer, delay);
	s->is_failing = err != NULL;
	if (err != NULL) {
		char text[32];
		gotext_format_duration((int64_t)delay * CLOCK_NS_PER_MS, text, sizeof(text));
		log_event(EV_CERT_FAILED, s->domain, s->failures, err->msg, text);
		condition_raise(
			c->conditions_ref, CONDITION_CERT_FAILED, "%s: %s", s->domain, err->msg);
	} else if (!any_failed(c)) {
		condition_clear(c->conditions_ref, CONDITION_CERT_FAILED);
	}
}

static void ask(void *arg)
{
	struct schedule *s = arg;
	if (!s->owner->is_paused && s->call == NULL && s->is_listed)
		s->call = localapi_cert(s->owner->api_ref, s->domain, on_cert, s);
}

static void on_domains(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct certs *c = arg;
	struct err e;
	AUTO(strv_fini) struct strv listed = {0};
	bool is_waiting = false;
	c->look_up = NULL;
	AUTO(json_freep)
	struct json *doc = err == NULL ? json_parse(reply->body, reply->len, &e) : NULL;
	for (const struct json *d = json_first(doc); d != NULL; d = json_next(d)) {
		if (json_str(d) != NULL)
			strv_push(&listed, json_str(d));
	}
	for (struct schedule *s = c->schedules; s != NULL; s = s->next) {
		if (!s->is_listed && strv_contains(&listed, s->domain)) {
			s->is_listed = true;
			timer_start(&s->timer, 0);
		}
		is_waiting = is_waiting || !s->is_listed;
	}
	if (is_waiting)
		timer_start(&c->look_up_timer, backoff_jitter(LOOK_UP_MS));
}

static void look_up(void *arg)
{
	struct certs *c = arg;
	bool is_waiting = false;
	for (const struct schedule *s = c->schedules; s != NULL; s = s->next)
		is_waiting = is_waiting || !s->is_listed;
	if (is_waiting && !c->is_paused && c->look_up == NULL)
		c->look_up = localapi_cert_domains(c->api_ref, on_domains, c);
}

struct certs *certs_new(struct loop *loop, struct localapi *api, struct condition_set *conditions)
{
	struct certs *c = xcalloc(1, sizeof(*c));
	c->loop_ref = loop;
	c->api_ref = api;
	c->conditions_ref = conditions;
	timer_init(&c->look_up_timer, loop, look_up, c);
	return c;
}

static void schedule_free(struct schedule *s)
{
	localapi_cancel(s->call);
	timer_stop(&s->timer);
	free(s->domain);
	free(s);
}

void certs_free(struct certs *c)
{
	if (c == NULL)
		return;
	while (c->schedules != NULL) {
		struct schedule *s = c->schedules;
		c->schedules = s->next;
		schedule_free(s);
	}
	localapi_cancel(c->look_up);
	timer_stop(&c->look_up_timer);
	free(c);
}

static bool has_schedule(const struct certs *c, const char *domain)
{
	for (const struct schedule *s = c->schedules; s != NULL; s = s->next) {
		if (strcmp(s->domain, domain) == 0)
			return true;
	}
	return false;
}

void certs_want(struct certs *c, const struct strv *domains)
{
	for (struct schedule **link = &c->schedules; *link != NULL;) {
		struct schedule *s = *link;
		if (strv_contains(domains, s->domain)) {
			link = &s->next;
			continue;
		}
		*link = s->next;
		schedule_free(s);
	}
	for (size_t i = 0; i < domains->len; i++) {
		if (has_schedule(c, domains->items[i]))
			continue;
		struct schedule *s = xcalloc(1, sizeof(*s));
		s->owner = c;
		s->domain = xstrdup(domains->items[i]);
		s->next = c->schedules;
		timer_init(&s->timer, c->loop_ref, ask, s);
		c->schedules = s;
	}
	if (!any_failed(c))
		condition_clear(c->conditions_ref, CONDITION_CERT_FAILED);
	look_up(c);
}

void certs_wake(struct certs *c)
{
	look_up(c);
}

void certs_pause(struct certs *c)
{
	c->is_paused = true;
	localapi_cancel(c->look_up);
	c->look_up = NULL;
	timer_stop(&c->look_up_timer);
	for (struct schedule *s = c->schedules; s != NULL; s = s->next) {
		localapi_cancel(s->call);
		s->call = NULL;
		timer_stop(&s->timer);
	}
}

void certs_resume(struct certs *c)
{
	uint64_t now = clock_now_ms();
	c->is_paused = false;
	for (struct schedule *s = c->schedules; s != NULL; s = s->next) {
		if (s->is_listed && s->call == NULL)
			timer_start(&s->timer, s->due_ms > now ? s->due_ms - now : 0);
	}
	look_up(c);
}
