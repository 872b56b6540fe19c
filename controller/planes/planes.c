#include "controller/planes/planes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "controller/planes/planes_credentials.h"
#include "controller/planes/planes_secret.h"
#include "controller/planes/planes_spec.h"
#include "lib/base/mem.h"
#include "lib/io/timer.h"

struct plane {
	struct planes *planes_ref;
	struct plane *next;
	char *name;
	struct planes_spec spec;
	struct planes_secret *secret;
	struct planes_secret *ca; /* NULL without caSecretName */
	struct control *control;
	struct planes_use *uses;
	struct planes_state state;
	struct err fault; /* its sentence is the one of the state */
	/* Something has changed: until the next turn of the loop nothing begins with what was. */
	bool is_stale;
	bool is_gone;
};

struct planes {
	struct loop *loop_ref;
	struct kube *kube_ref;
	struct planes_options options;
	char *proxy, *no_proxy;
	struct plane *planes;
	struct timer renewal;
	uint64_t generation;
};

static const struct planes_state pending = {.credentials = PLANES_PENDING, .sentence = ""};

static struct plane *find(const struct planes *p, const char *name)
{
	for (struct plane *each = p->planes; each != NULL; each = each->next) {
		if (strcmp(each->name, name) == 0)
			return each;
	}
	return NULL;
}

static void mark_stale(void *arg)
{
	struct plane *plane = arg;
	plane->is_stale = true;
	timer_start(&plane->planes_ref->renewal, 0);
}

static void retire(struct plane *plane)
{
	while (plane->uses != NULL) {
		struct planes_use *use = plane->uses;
		planes_end(use);
		use->on_retired(use->arg);
	}
	control_free(plane->control);
	plane->control = NULL;
}

static void forget(struct plane *plane)
{
	retire(plane);
	planes_secret_free(plane->secret);
	planes_secret_free(plane->ca);
	planes_spec_fini(&plane->spec);
	free(plane->name);
	free(plane);
}

/* What there is of one Secret; only PLANES_PRESENT goes on. */
static enum planes_credentials look_at(const struct planes_secret *secret, struct err *e)
{
	const char *ns = planes_secret_ns(secret), *name = planes_secret_name(secret);
	switch (planes_secret_state(secret)) {
	case PLANES_SECRET_PENDING:
		return PLANES_PENDING;
	case PLANES_SECRET_ABSENT:
		err_set(e, -ENOENT, "there is no Secret %s/%s", ns, name);
		return PLANES_ABSENT;
	case PLANES_SECRET_REFUSED:
		err_set(e, -EACCES,
			"Secret %s/%s must not be read: give the controller's service account a "
			"Role with get, list and watch on it",
			ns, name);
		return PLANES_REFUSED;
	case PLANES_SECRET_PRESENT:
		break;
	}
	return PLANES_PRESENT;
}

static void make(struct plane *plane, const struct planes_keys *keys, const char *ca)
{
	struct planes *p = plane->planes_ref;
	const struct control_options options = {
		.kind = plane->spec.kind,
		.name = plane->name,
		.api_url = plane->spec.api_url,
		.tailnet = plane->spec.tailnet,
		.client_id = keys->client_id,
		.client_secret = &keys->client_secret,
		.api_key = &keys->api_key,
		.ca_pem = ca,
		.proxy = p->proxy,
		.no_proxy = p->no_proxy,
	};
	plane->control = control_new(
		p->loop_ref, p->options.fetcher, p->options.resolver, &options, &plane->fault);
	if (plane->control == NULL) {
		plane->state.credentials = PLANES_FAULTY;
		return;
	}
	control_set_trace(plane->control, p->options.on_answer, p->options.arg);
	plane->state.credentials = PLANES_PRESENT;
}

static void build(struct plane *plane)
{
	AUTO(planes_keys_fini) struct planes_keys keys = {0};
	AUTO(mem_free) char *ca = NULL;
	struct planes_state *state = &plane->state;
	if (plane->spec.fault != NULL) {
		err_set(&plane->fault, -EINVAL, "%s", plane->spec.fault);
		state->credentials = PLANES_FAULTY;
		return;
	}
	state->credentials = look_at(plane->secret, &plane->fault);
	if (state->credentials == PLANES_PRESENT && plane->ca != NULL)
		state->credentials = look_at(plane->ca, &plane->fault);
	if (state->credentials != PLANES_PRESENT)
		return;
	state->credentials = PLANES_FAULTY;
	if (planes_keys_read(planes_secret_document(plane->secret), planes_secret_ns(plane->secret),
		    planes_secret_name(plane->secret), &keys, &plane->fault) < 0)
		return;
	if (plane->ca != NULL) {
		ca = planes_ca_read(planes_secret_document(plane->ca), planes_secret_ns(plane->ca),
			planes_secret_name(plane->ca), &plane->fault);
		if (ca == NULL)
			return;
	}
	make(plane, &keys, ca);
}

static void renew(struct plane *plane)
{
	struct planes *p = plane->planes_ref;
	retire(plane);
	err_clear(&plane->fault);
	build(plane);
	plane->state.sentence = plane->fault.msg;
	plane->state.generation = ++p->generation;
}

static void on_renewal(void *arg)
{
	struct planes *p = arg;
	struct plane **place = &p->planes;
	while (*place != NULL) {
		struct plane *plane = *place;
		if (!plane->is_gone) {
			place = &plane->next;
			continue;
		}
		*place = plane->next;
		forget(plane);
	}
	for (struct plane *each = p->planes; each != NULL; each = each->next) {
		if (!each->is_stale)
			continue;
		each->is_stale = false;
		renew(each);
		p->options.on_change(p->options.arg, each->name);
	}
}

struct planes *planes_new(struct loop *loop, struct kube *k, const struct planes_options *options)
{
	struct planes *p = xcalloc(1, sizeof(*p));
	p->loop_ref = loop;
	p->kube_ref = k;
	p->options = *options;
	p->proxy = xstrdup(options->proxy);
	p->no_proxy = xstrdup(options->no_proxy);
	timer_init(&p->renewal, loop, on_renewal, p);
	return p;
}

void planes_free(struct planes *p)
{
	if (p == NULL)
		return;
	timer_stop(&p->renewal);
	while (p->planes != NULL) {
		struct plane *plane = p->planes;
		p->planes = plane->next;
		forget(plane);
	}
	free(p->proxy);
	free(p->no_proxy);
	free(p);
}

static bool is_of(const struct planes_secret *secret, const char *ns, const char *name)
{
	return strcmp(planes_secret_ns(secret), ns) == 0 &&
	       strcmp(planes_secret_name(secret), name) == 0;
}

/* Watches the Secret of this name from now on; "" = none. */
static void watch(
	struct plane *plane, struct planes_secret **secret, const char *ns, const char *name)
{
	if (*secret != NULL && name[0] != '\0' && is_of(*secret, ns, name))
		return;
	planes_secret_free(*secret);
	*secret = name[0] == '\0' ? NULL
				  : planes_secret_new(plane->planes_ref->kube_ref, ns, name,
					    mark_stale, plane);
}

static struct plane *add(struct planes *p, const char *tailnet)
{
	struct plane *plane = xcalloc(1, sizeof(*plane));
	plane->planes_ref = p;
	plane->name = xstrdup(tailnet);
	plane->state = pending;
	plane->next = p->planes;
	p->planes = plane;
	return plane;
}

void planes_refresh(struct planes *p, const char *tailnet)
{
	const struct kube_cache *cache = cluster_cache(p->options.cluster, CLUSTER_TAILNETS);
	const struct kube_entry *entry = kube_cache_get(cache, NULL, tailnet);
	struct plane *plane = find(p, tailnet);
	if (entry == NULL) {
		if (plane != NULL) {
			plane->is_gone = true;
			mark_stale(plane);
		}
		return;
	}
	const char *own = cluster_namespace(p->options.cluster);
	AUTO(planes_spec_fini) struct planes_spec spec = {0};
	planes_spec_read(entry->data, own, &spec);
	if (plane == NULL)
		plane = add(p, tailnet);
	else if (!plane->is_gone && planes_spec_equal(&plane->spec, &spec))
		return;
	plane->is_gone = false;
	planes_spec_fini(&plane->spec);
	plane->spec = spec;
	spec = (struct planes_spec){0};
	watch(plane, &plane->secret, plane->spec.secret_ns, plane->spec.secret_name);
	watch(plane, &plane->ca, own, plane->spec.ca_name);
	mark_stale(plane);
}

const struct control *planes_get(struct planes *p, const char *tailnet)
{
	const struct plane *plane = find(p, tailnet);
	return plane != NULL && !plane->is_stale ? plane->control : NULL;
}

const struct planes_state *planes_state(struct planes *p, const char *tailnet)
{
	const struct plane *plane = find(p, tailnet);
	return plane != NULL && !plane->is_stale ? &plane->state : &pending;
}

struct control *planes_begin(struct planes *p, const char *tailnet, struct planes_use *use)
{
	struct plane *plane = find(p, tailnet);
	if (plane == NULL || plane->is_stale || plane->control == NULL)
		return NULL;
	use->next = plane->uses;
	use->place = &plane->uses;
	if (use->next != NULL)
		use->next->place = &use->next;
	plane->uses = use;
	return plane->control;
}

void planes_end(struct planes_use *use)
{
	if (use->place == NULL)
		return;
	*use->place = use->next;
	if (use->next != NULL)
		use->next->place = use->place;
	use->next = NULL;
	use->place = NULL;
}
