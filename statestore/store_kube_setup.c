/*
 * Set-up of the state Secret at boot: the read and two reviews in parallel, each retried
 * separately while its failure is transient.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/timer.h"
#include "lib/kube/kube.h"
#include "statestore/statestore_events.h"
#include "statestore/store_kube.h"

/* How often a refusal after an outage is checked again. */
#define DOUBTS_MAX 5

enum step {
	STEP_GET,
	STEP_UPDATE,
	STEP_PATCH,
	STEP_CREATE, /* only when the Secret does not exist */
	STEP_COUNT,
};

static const char *const verbs[STEP_COUNT] = {
	[STEP_GET] = "get",
	[STEP_UPDATE] = "update",
	[STEP_PATCH] = "patch",
	[STEP_CREATE] = "create",
};

struct attempt {
	struct store_kube_setup *setup;
	enum step step;
	struct kube_call *call;
	struct timer retry;
	struct backoff backoff;
	bool is_needed;
	bool is_done;
	bool allowed;
	bool is_forbidden;
	unsigned doubts;    /* refusals that were not trusted */
	struct err failure; /* why it is retried, or the final one; code 0: none */
};

struct store_kube_setup {
	struct kube *kube_ref;
	char *secret;
	store_kube_setup_fn fn;
	void *arg;
	struct attempt attempts[STEP_COUNT];
	bool had_outage;
	bool is_held;
	struct store_kube_facts facts;
};

static void try_step(void *attempt);

static void setup_free(struct store_kube_setup *s)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		kube_cancel(s->attempts[i].call);
		timer_stop(&s->attempts[i].retry);
	}
	kube_fields_fini(&s->facts.fields);
	free(s->secret);
	free(s);
}

/* The handle has been freed when the callback is called. */
static void finish(struct store_kube_setup *s, const struct err *err)
{
	store_kube_setup_fn fn = s->fn;
	void *arg = s->arg;
	struct store_kube_facts facts = s->facts;
	s->facts = (struct store_kube_facts){0};
	setup_free(s);
	fn(arg, &facts, err);
	kube_fields_fini(&facts.fields);
}

static bool all_done(const struct store_kube_setup *s)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		if (s->attempts[i].is_needed && !s->attempts[i].is_done)
			return false;
	}
	return true;
}

/* 0, or a sentence that names the missing permissions. */
static int check_permissions(const struct store_kube_setup *s, struct err *e)
{
	const bool is_missing[STEP_COUNT] = {
		[STEP_GET] = s->attempts[STEP_GET].is_forbidden,
		[STEP_UPDATE] = !s->attempts[STEP_UPDATE].allowed,
	};
	AUTO(strv_fini) struct strv missing = {0};
	for (int i = 0; i < STEP_COUNT; i++) {
		if (is_missing[i])
			strv_pushf(&missing, "missing %s permission on secret \"%s\"", verbs[i],
				s->secret);
	}
	if (missing.len == 0)
		return 0;
	AUTO(mem_free) char *all = strv_join(&missing, "\n");
	return err_set(e, -EACCES,
		"some Kubernetes permissions are missing, please check your RBAC configuration: %s",
		all);
}

static void explain_patch(struct store_kube_setup *s)
{
	const struct err *review = &s->attempts[STEP_PATCH].failure;
	err_set(&s->facts.cannot_patch, -EACCES,
		"missing patch permission on secret \"%s\" in namespace \"%s\"%s%s", s->secret,
		kube_namespace(s->kube_ref), review->code != 0 ? ": no answer to its review: " : "",
		review->code != 0 ? review->msg : "");
}

static int check_secret(struct store_kube_setup *s, struct err *e)
{
	const struct err *get = &s->attempts[STEP_GET].failure;
	if (check_permissions(s, e) < 0)
		return e->code;
	if (get->code == -ENOENT && !s->attempts[STEP_CREATE].allowed)
		return err_set(e, -EACCES,
			"tailscale state Secret %s does not exist and we don't have permissions to "
			"create it. If you intend to store tailscale state elsewhere than a "
			"Kubernetes Secret, you can explicitly set TS_KUBE_SECRET env var to an "
			"empty string. Else ensure that RBAC is set up that allows the service "
			"account associated with this installation to create Secrets.",
			s->secret);
	if (get->code != 0 && get->code != -ENOENT)
		return err_set(
			e, get->code, "getting Tailscale state Secret %s: %s", s->secret, get->msg);
	s->facts.exists = get->code == 0;
	s->facts.can_patch = s->attempts[STEP_PATCH].allowed;
	explain_patch(s);
	return 0;
}

static void step_done(struct attempt *a)
{
	struct store_kube_setup *s = a->setup;
	struct err e;
	a->is_done = true;
	if (a->step == STEP_GET && a->failure.code == -ENOENT) {
		s->attempts[STEP_CREATE].is_needed = true;
		try_step(&s->attempts[STEP_CREATE]);
	}
	if (all_done(s) && !s->is_held)
		finish(s, check_secret(s, &e) < 0 ? &e : NULL);
}

/* True when the failure is transient: it is retried. */
static bool retried(struct attempt *a, const struct kube_reply *reply, const struct err *err)
{
	if (!err_is_transient(err->code) || err->code == -ESTALE)
		return false;
	/* Each reason is logged once. */
	if (strcmp(a->failure.msg, err->msg) != 0)
		log_event(EV_STORE_SETUP_RETRY, verbs[a->step], a->setup->secret, err->msg);
	a->failure = *err;
	a->setup->had_outage = true;
	uint64_t delay = backoff_next(&a->backoff);
	timer_start(&a->retry, delay > reply->retry_after_ms ? delay : reply->retry_after_ms);
	return true;
}

/* True when a refusal is not trusted yet: a server that has just come up does not know accounts
 * and roles for a moment, and what it refuses then would be disabled for the whole run. */
static bool doubted(struct attempt *a, bool is_refusal)
{
	if (!is_refusal || !a->setup->had_outage || a->doubts == DOUBTS_MAX)
		return false;
	if (a->doubts++ == 0)
		backoff_reset(&a->backoff);
	timer_start(&a->retry, backoff_next(&a->backoff));
	return true;
}

static bool is_refusal(const struct kube_reply *reply, const struct err *err)
{
	return err != NULL && (reply->code == 401 || reply->code == 403);
}

static void on_secret(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct attempt *a = arg;
	a->call = NULL;
	if ((err != NULL && retried(a, reply, err)) || doubted(a, is_refusal(reply, err)))
		return;
	/* Lack of access is not always a missing permission: a certificate may be untrusted, a
	 * token refused. */
	a->is_forbidden = err != NULL && reply->code == 403;
	a->failure = err != NULL ? *err : (struct err){0};
	if (err == NULL &&
		kube_secret_decode(reply->body, &a->setup->facts.fields, &a->failure) == 0)
		a->allowed = true;
	step_done(a);
}

static void on_review(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct attempt *a = arg;
	a->call = NULL;
	if (err != NULL && retried(a, reply, err))
		return;
	bool is_denied = err == NULL && !kube_review_allowed(reply);
	if (doubted(a, is_denied || is_refusal(reply, err)))
		return;
	if (err != NULL)
		log_event(EV_STORE_REVIEW_FAILED, verbs[a->step], a->setup->secret, err->msg);
	/* Without an answer: permissions that the start needs are assumed, as their lack will
	 * show; nothing is written without a known permission. */
	a->failure = err != NULL ? *err : (struct err){0};
	a->allowed = err != NULL ? a->step == STEP_UPDATE : !is_denied;
	step_done(a);
}

static void try_step(void *attempt)
{
	struct attempt *a = attempt;
	struct store_kube_setup *s = a->setup;
	if (a->step == STEP_GET)
		a->call = kube_secret_get(s->kube_ref, s->secret, on_secret, a);
	else
		a->call = kube_review_secret(s->kube_ref, s->secret, verbs[a->step], on_review, a);
}

struct store_kube_setup *store_kube_setup_start(struct loop *loop, struct kube *k,
	const struct store_kube_setup_options *options, store_kube_setup_fn fn, void *arg)
{
	struct store_kube_setup *s = xcalloc(1, sizeof(*s));
	s->kube_ref = k;
	s->secret = xstrdup(options->secret);
	s->fn = fn;
	s->arg = arg;
	s->is_held = options->is_held;
	for (int i = 0; i < STEP_COUNT; i++) {
		struct attempt *a = &s->attempts[i];
		a->setup = s;
		a->step = (enum step)i;
		a->is_needed = i != STEP_CREATE;
		a->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
		timer_init(&a->retry, loop, try_step, a);
		if (a->is_needed)
			try_step(a);
	}
	return s;
}

void store_kube_setup_release(struct store_kube_setup *s)
{
	struct err e;
	s->is_held = false;
	if (all_done(s))
		finish(s, check_secret(s, &e) < 0 ? &e : NULL);
}

void store_kube_setup_cancel(struct store_kube_setup *s)
{
	if (s != NULL)
		setup_free(s);
}

const char *store_kube_setup_last_error(const struct store_kube_setup *s)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		if (!s->attempts[i].is_done && s->attempts[i].failure.code != 0)
			return s->attempts[i].failure.msg;
	}
	return "";
}
