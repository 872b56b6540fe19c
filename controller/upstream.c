#include "controller/upstream.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_outcome.h"

#define DISCOVERY "/apis/tailscale.com/v1alpha1"
#define PLURAL "proxygroups"

struct upstream {
	struct kube *kube_ref;
	struct kube_call *call;
	struct timer next;
	uint64_t period_ms;
	bool is_known, is_there;
	void (*on_change)(void *arg, bool is_there);
	void *arg;
};

static bool has_kind(const struct json *list)
{
	const struct json *item = json_first(json_get(list, "resources"));
	for (; item != NULL; item = json_next(item)) {
		const char *name = json_str(json_get(item, "name"));
		if (name != NULL && strcmp(name, PLURAL) == 0)
			return true;
	}
	return false;
}

static void on_answer(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct upstream *u = arg;
	enum kube_outcome outcome = kube_outcome(reply, err);
	u->call = NULL;
	timer_start(&u->next, u->period_ms);
	/* A failure says nothing: what was known stays. */
	if (outcome != KUBE_OK && outcome != KUBE_NOT_FOUND)
		return;
	bool is_there = outcome == KUBE_OK && has_kind(reply->body);
	bool is_changed = !u->is_known || is_there != u->is_there;
	u->is_known = true;
	u->is_there = is_there;
	if (is_changed)
		u->on_change(u->arg, is_there);
}

static void ask(void *arg)
{
	struct upstream *u = arg;
	struct kube_request request = {.verb = KUBE_GET, .method = "GET", .path = DISCOVERY};
	u->call = kube_start(u->kube_ref, &request, on_answer, u);
}

struct upstream *upstream_new(struct loop *loop, struct kube *k, uint64_t divisor,
	void (*on_change)(void *arg, bool is_there), void *arg)
{
	struct upstream *u = xcalloc(1, sizeof(*u));
	*u = (struct upstream){.kube_ref = k,
		.period_ms = UPSTREAM_PERIOD_MS / divisor,
		.on_change = on_change,
		.arg = arg};
	timer_init(&u->next, loop, ask, u);
	timer_start(&u->next, 0);
	return u;
}

void upstream_free(struct upstream *u)
{
	if (u == NULL)
		return;
	kube_cancel(u->call);
	timer_stop(&u->next);
	free(u);
}

bool upstream_is_there(const struct upstream *u)
{
	return !u->is_known || u->is_there;
}
