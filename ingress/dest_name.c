#include "ingress/dest_name.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ingress/ingress_conditions.h"
#include "ingress/ingress_events.h"
#include "lib/base/backoff.h"
#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/condition.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/resolve.h"
#include "lib/io/timer.h"
#include "lib/nft/nft.h"

#define QUESTION_MS 30000
/* The shortest pause after a successful query. */
#define REFRESH_MIN_S 5
#define DURATION_TEXT_MAX 32

struct dest_name {
	struct resolver *resolver_ref;
	struct condition_set *conditions_ref;
	dest_name_changed_fn fn;
	void *arg;
	char *name;
	uint32_t refresh_max_ms;

	bool is_started;
	struct resolve *question;
	struct timer timer;
	struct backoff backoff;  /* attempts: failures in a row */
	uint64_t logged_step_ms; /* of the pause that was logged last, 0 = none */
	struct err logged_why;   /* failure logged last */

	struct nft_addresses backends;               /* sorted, unique */
	bool is_left_out[NFT_MODEL_FAMILIES];        /* logged */
	struct ipaddr own[NFT_MODEL_FAMILIES];       /* at the last contribution */
	struct nft_addresses contributed;            /* at that time */
	struct ipaddr stood_own[NFT_MODEL_FAMILIES]; /* carried out last */
	struct nft_addresses stands;
};

static void ask(void *arg);

static int compare_addresses(const void *a, const void *b)
{
	return ipaddr_compare(a, b);
}

/* Servers rotate what they answer; a set has no order. */
static void collect(const struct resolve_answer *answer, struct nft_addresses *out)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (!nft_addresses_contain(out, &answer->addresses[i]))
			nft_addresses_add(out, &answer->addresses[i]);
	}
	if (out->len > 1)
		qsort(out->items, out->len, sizeof(*out->items), compare_addresses);
}

static bool same_addresses(const struct nft_addresses *a, const struct nft_addresses *b)
{
	if (a->len != b->len)
		return false;
	for (size_t i = 0; i < a->len; i++) {
		if (!ipaddr_equal(&a->items[i], &b->items[i]))
			return false;
	}
	return true;
}

static void replace_addresses(struct nft_addresses *to, const struct nft_addresses *from)
{
	to->len = 0;
	for (size_t i = 0; i < from->len; i++)
		nft_addresses_add(to, &from->items[i]);
}

/* "10.0.0.1 10.0.0.2". Caller frees. */
static char *format_addresses(const struct nft_addresses *list)
{
	AUTO(strv_fini) struct strv texts = {0};
	for (size_t i = 0; i < list->len; i++) {
		char text[IPADDR_TEXT_MAX];
		strv_push(&texts, ipaddr_format(&list->items[i], text));
	}
	return strv_join(&texts, " ");
}

static void format_pause(uint64_t ms, char out[static DURATION_TEXT_MAX])
{
	gotext_format_duration((int64_t)ms * CLOCK_NS_PER_MS, out, DURATION_TEXT_MAX);
}

/* A failure is logged when it begins or its reason changes, a pause when the back-off has grown.
 */
static void on_failure(struct dest_name *d, const struct err *why)
{
	char text[DURATION_TEXT_MAX];
	if (d->backoff.attempts == 0 || strcmp(d->logged_why.msg, why->msg) != 0)
		log_event(EV_DEST_NAME_FAILED, d->name, why->msg);
	if (d->backoff.attempts == 0)
		d->logged_step_ms = 0;
	d->logged_why = *why;
	condition_raise(d->conditions_ref, CONDITION_DEST_NAME_UNRESOLVED, "%s", why->msg);
	uint64_t step = backoff_step(&d->backoff);
	uint64_t pause = backoff_next(&d->backoff);
	if (step != d->logged_step_ms) {
		format_pause(pause, text);
		log_event(EV_DEST_NAME_RETRY, text);
	}
	d->logged_step_ms = step;
	timer_start(&d->timer, pause);
}

/* The pause after a success is logged only after a failure or when the backends change: a cached
 * answer has another remaining TTL each time. */
static void on_answer(struct dest_name *d, const struct resolve_answer *answer)
{
	struct nft_addresses backends = {0};
	char text[DURATION_TEXT_MAX];
	uint64_t ttl_s = answer->ttl_s < REFRESH_MIN_S ? REFRESH_MIN_S : answer->ttl_s;
	uint64_t pause = ttl_s * CLOCK_MS_PER_S;
	if (pause > d->refresh_max_ms)
		pause = d->refresh_max_ms;
	collect(answer, &backends);
	bool is_news = !same_addresses(&backends, &d->backends);
	if (is_news || d->backoff.attempts > 0) {
		format_pause(pause, text);
		log_event(EV_DEST_NAME_NEXT, text);
	}
	nft_addresses_fini(&d->backends);
	d->backends = backends;
	backoff_reset(&d->backoff);
	timer_start(&d->timer, pause);
	condition_clear(d->conditions_ref, CONDITION_DEST_NAME_UNRESOLVED);
	if (is_news)
		d->fn(d->arg);
}

static void on_resolved(void *arg, const struct resolve_answer *answer, const struct err *err)
{
	struct dest_name *d = arg;
	struct err stale;
	d->question = NULL;
	if (err != NULL) {
		on_failure(d, err);
	} else if (answer->stale) {
		err_set(&stale, -EAGAIN, "lookup %s: the DNS servers do not answer any more",
			d->name);
		on_failure(d, &stale);
	} else {
		on_answer(d, answer);
	}
}

static void ask(void *arg)
{
	struct dest_name *d = arg;
	struct err e;
	if (d->question != NULL)
		return;
	d->question = resolve_start(d->resolver_ref, d->name, QUESTION_MS, on_resolved, d, &e);
	if (d->question == NULL)
		on_failure(d, &e);
}

struct dest_name *dest_name_new(struct loop *loop, struct resolver *resolver,
	struct condition_set *conditions, const struct dest_name_options *options,
	dest_name_changed_fn fn, void *arg)
{
	struct dest_name *d = xcalloc(1, sizeof(*d));
	d->resolver_ref = resolver;
	d->conditions_ref = conditions;
	d->fn = fn;
	d->arg = arg;
	d->name = xstrdup(options->name);
	d->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	d->refresh_max_ms = options->refresh_max_ms;
	timer_init(&d->timer, loop, ask, d);
	return d;
}

void dest_name_free(struct dest_name *d)
{
	if (d == NULL)
		return;
	resolve_cancel(d->question);
	timer_stop(&d->timer);
	nft_addresses_fini(&d->backends);
	nft_addresses_fini(&d->contributed);
	nft_addresses_fini(&d->stands);
	free(d->name);
	free(d);
}

void dest_name_start(struct dest_name *d)
{
	if (d->is_started)
		return;
	d->is_started = true;
	timer_start(&d->timer, 0);
}

/* Adds the backends of one family. Logs once when they cannot be reached. */
static void contribute_family(
	struct dest_name *d, enum nft_model_family family, struct nft_wanted *w, struct err *why)
{
	struct ipaddr own = w->families[family].own;
	bool is_left_out = false;
	for (size_t i = 0; i < d->backends.len; i++) {
		const struct ipaddr *backend = &d->backends.items[i];
		if (nft_model_family_of(backend) != family)
			continue;
		int code = -EADDRNOTAVAIL;
		if (own.family == IPADDR_NONE)
			err_set(why, code,
				"this node's Tailscale IPs do not contain a valid %s address",
				family == NFT_MODEL_V4 ? "IPv4" : "IPv6");
		else
			code = nft_wanted_add_backend(w, &own, backend, why);
		if (code == 0)
			nft_addresses_add(&d->contributed, backend);
		else
			is_left_out = true;
	}
	if (is_left_out && !d->is_left_out[family]) {
		AUTO(mem_free) char *all = format_addresses(&d->backends);
		log_event(EV_DEST_NAME_LEFT_OUT, all, family == NFT_MODEL_V4 ? "IPv4" : "IPv6",
			why->msg);
	}
	d->is_left_out[family] = is_left_out;
	d->own[family] = own;
}

int dest_name_contribute(struct dest_name *d, struct nft_wanted *w, struct err *e)
{
	d->contributed.len = 0;
	if (d->backends.len == 0)
		return err_set(e, -EAGAIN, "DNS name %s is not resolved yet", d->name);
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		contribute_family(d, (enum nft_model_family)f, w, e);
	if (d->contributed.len > 0) {
		condition_clear(d->conditions_ref, CONDITION_INGRESS_TARGET_FAILED);
		return 0;
	}
	AUTO(mem_free) char *all = format_addresses(&d->backends);
	struct err why = *e;
	err_set(e, -EAGAIN, "DNS name %s: none of [%s] can be reached: %s", d->name, all, why.msg);
	condition_raise(d->conditions_ref, CONDITION_INGRESS_TARGET_FAILED, "%s", e->msg);
	return e->code;
}

void dest_name_applied(struct dest_name *d, const struct nft_result *result, const struct err *e)
{
	(void)e;
	if (result->code < 0)
		return;
	bool is_same_own = true;
	for (int f = 0; f < NFT_MODEL_FAMILIES; f++)
		is_same_own = is_same_own && d->own[f].family == d->stood_own[f].family &&
			      ipaddr_equal(&d->own[f], &d->stood_own[f]);
	bool is_same = same_addresses(&d->contributed, &d->stands);
	AUTO(mem_free) char *all = format_addresses(&d->contributed);
	if (d->contributed.len > 0 && !is_same && d->stands.len > 0)
		log_event(EV_DEST_NAME_CHANGED, all);
	else if (d->contributed.len > 0 && (!is_same || !is_same_own))
		log_event(EV_DEST_NAME_INSTALLING, all);
	memcpy(d->stood_own, d->own, sizeof(d->own));
	replace_addresses(&d->stands, &d->contributed);
}
