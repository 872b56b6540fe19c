/*
 * Set-up of the state Secret at boot: the read and two reviews at once, each tried again by itself
 * while its failure is transient.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "statestore/store_kube.h"

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
	struct err failure; /* code 0: none */
	bool is_forbidden;
};

struct store_kube_setup {
	struct kube *kube_ref;
	char *secret;
	store_kube_setup_fn fn;
	void *arg;
	struct attempt attempts[STEP_COUNT];
	struct store_kube_facts facts;
	char last_error[ERR_MSG_MAX];
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

static void finish(struct store_kube_setup *s, const struct err *err)
{
	s->fn(s->arg, &s->facts, err);
	setup_free(s);
}

static bool all_done(const struct store_kube_setup *s)
{
	for (int i = 0; i < STEP_COUNT; i++) {
		if (s->attempts[i].is_needed && !s->attempts[i].is_done)
			return false;
	}
	return true;
}

/* 0, or the sentence for what is missing. */
static int judge_permissions(const struct store_kube_setup *s, struct err *e)
{
	bool may_get = !s->attempts[STEP_GET].is_forbidden;
	bool may_update = s->attempts[STEP_UPDATE].allowed;
	if (may_get && may_update)
		return 0;
	return err_set(e, -EACCES,
		"some Kubernetes permissions are missing, please check your RBAC configuration: "
		"%s%s%s%s%s%s%s",
		may_get ? "" : "missing get permission on secret \"", may_get ? "" : s->secret,
		may_get ? "" : "\"", !may_get && !may_update ? "\n" : "",
		may_update ? "" : "missing update permission on secret \"",
		may_update ? "" : s->secret, may_update ? "" : "\"");
}

static int judge(struct store_kube_setup *s, struct err *e)
{
	const struct err *get = &s->attempts[STEP_GET].failure;
	if (judge_permissions(s, e) < 0)
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
	if (all_done(s))
		finish(s, judge(s, &e) < 0 ? &e : NULL);
}

/* True when the failure passes by itself: tried again. */
static bool retried(struct attempt *a, const struct kube_reply *reply, const struct err *err)
{
	struct store_kube_setup *s = a->setup;
	if (!err_is_transient(err->code) || err->code == -ESTALE)
		return false;
	if (strcmp(s->last_error, err->msg) != 0)
		log_event(EV_STORE_SETUP_RETRY, verbs[a->step], s->secret, err->msg);
	memcpy(s->last_error, err->msg, sizeof(s->last_error));
	uint64_t delay = backoff_next(&a->backoff);
	timer_start(&a->retry, delay > reply->retry_after_ms ? delay : reply->retry_after_ms);
	return true;
}

static void on_secret(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct attempt *a = arg;
	a->call = NULL;
	if (err != NULL && retried(a, reply, err))
		return;
	/* Not every lack of access is a missing right: a certificate may be untrusted, a token
	 * refused. */
	a->is_forbidden = err != NULL && reply->code == 403;
	if (err != NULL)
		a->failure = *err;
	else if (kube_secret_decode(reply->body, &a->setup->facts.fields, &a->failure) == 0)
		a->allowed = true;
	step_done(a);
}

static void on_review(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct attempt *a = arg;
	a->call = NULL;
	if (err != NULL && retried(a, reply, err))
		return;
	if (err != NULL)
		log_event(EV_STORE_REVIEW_FAILED, verbs[a->step], a->setup->secret, err->msg);
	/* Without an answer: what the start needs is taken as granted, and will tell by itself;
	 * what would be written without a right is not. */
	a->allowed = err != NULL ? a->step == STEP_UPDATE : kube_review_allowed(reply);
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

void store_kube_setup_cancel(struct store_kube_setup *s)
{
	if (s != NULL)
		setup_free(s);
}

const char *store_kube_setup_last_error(const struct store_kube_setup *s)
{
	return s->last_error;
}
