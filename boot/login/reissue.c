#include "boot/login/reissue.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "boot/config/config_source.h"
#include "boot/login/login_events.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/gotext.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fswatch.h"
#include "lib/io/timer.h"
#include "lib/kube/kube_secret.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"

/* The file is also checked without an event: a lost event must not hide a key. */
#define POLL_MS 5000
#define DEBOUNCE_MS 20

struct reissue {
	struct loop *loop_ref;
	struct localapi *api_ref;
	struct kube *kube_ref;
	struct statestore *store_ref;
	struct config_source *config_ref;
	char *config_dir;
	char *secret_name;
	struct secret failed_key;
	reissue_fn fn;
	void *arg;

	struct localapi_call *disconnect;
	struct kube_call *call; /* the request itself, or one of the two of the clean-up */
	struct fswatch *watch;
	struct timer retry;
	struct timer poll;
	struct timer limit;
	struct backoff backoff;
	uint64_t started_ms;
	uint64_t limit_shown_ms;
	bool is_asked; /* the request stands in the Secret */
};

static void ask_for_key(void *arg);

static void finish(struct reissue *r, const struct err *err)
{
	timer_stop(&r->poll);
	timer_stop(&r->limit);
	timer_stop(&r->retry);
	fswatch_free(r->watch);
	r->watch = NULL;
	r->fn(r->arg, err);
}

/* The store would assume that the cleared values are still there, and not write the same identity
 * again. */
static void forget_published(struct reissue *r)
{
	static const char *const keys[] = {STORE_KEY_REISSUE_AUTHKEY, STORE_KEY_DEVICE_ID,
		STORE_KEY_DEVICE_FQDN, STORE_KEY_DEVICE_IPS};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		statestore_known(r->store_ref, keys[i], NULL);
		statestore_set(r->store_ref, keys[i], NULL);
	}
	r->is_asked = false;
}

static void on_cleared(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct reissue *r = arg;
	(void)reply;
	r->call = NULL;
	if (err != NULL)
		log_event(EV_REISSUE_CLEAR_FAILED, err->msg);
	else
		forget_published(r);
	finish(r, NULL);
}

/* The daemon's state of the old identity is removed with the request, otherwise the daemon would
 * return with the old key. */
static void plan_clear(const struct kube_fields *fields, struct kube_fields *changes)
{
	static const char *const keys[] = {"reissue_authkey", "device_id", "device_fqdn",
		"device_ips", "_machinekey", "_current-profile", "_profiles"};
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		kube_fields_set(changes, keys[i], NULL, 0);
	const struct kube_field *profile = kube_fields_get(fields, "_current-profile");
	if (profile != NULL && profile->len > 0)
		kube_fields_set(changes, profile->value, NULL, 0);
}

static void on_read_for_clear(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct reissue *r = arg;
	struct err e;
	AUTO(kube_fields_fini) struct kube_fields fields = {0};
	r->call = NULL;
	if (err == NULL && kube_secret_decode(reply->body, &fields, &e) < 0)
		err = &e;
	if (err != NULL) {
		log_event(EV_REISSUE_CLEAR_FAILED, err->msg);
		finish(r, NULL);
		return;
	}
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	plan_clear(&fields, &changes);
	r->call = kube_secret_merge(r->kube_ref, r->secret_name, &changes, on_cleared, r);
}

static void look_for_key(void *arg)
{
	struct reissue *r = arg;
	struct err e;
	if (r->call != NULL)
		return;
	timer_start(&r->poll, POLL_MS);
	if (config_source_read(r->config_ref, &e) < 0) {
		log_event(EV_REISSUE_CONFIG_UNREADABLE, e.msg);
		return;
	}
	/* A key in a file that the daemon refuses does not count: the daemon would be started with
	 * the failed one.
	 *  */
	const struct secret *key = config_source_next_authkey(r->config_ref);
	if (!secret_is_set(key) || secret_equal(key, &r->failed_key))
		return;
	log_event(EV_REISSUE_RECEIVED,
		(unsigned long long)((clock_now_ms() - r->started_ms) / CLOCK_MS_PER_S));
	timer_stop(&r->poll);
	timer_stop(&r->limit);
	fswatch_free(r->watch);
	r->watch = NULL;
	r->call = kube_secret_get(r->kube_ref, r->secret_name, on_read_for_clear, r);
}

static void on_limit(void *arg)
{
	struct reissue *r = arg;
	struct err e;
	char limit[32];
	gotext_format_duration((int64_t)r->limit_shown_ms * CLOCK_NS_PER_MS, limit, sizeof(limit));
	localapi_cancel(r->disconnect);
	r->disconnect = NULL;
	kube_cancel(r->call);
	r->call = NULL;
	err_set(&e, -ETIMEDOUT,
		"failed to get a reissued authkey: failed to receive new auth key: timeout "
		"waiting for "
		"auth key reissue after %s",
		limit);
	finish(r, &e);
}

static void wait_for_key(struct reissue *r)
{
	char limit[32];
	r->watch = fswatch_new(r->loop_ref, r->config_dir, DEBOUNCE_MS, look_for_key, r);
	if (fswatch_is_notified(r->watch))
		log_event(EV_REISSUE_WATCHING);
	else
		log_event(EV_REISSUE_POLLING);
	gotext_format_duration((int64_t)r->limit_shown_ms * CLOCK_NS_PER_MS, limit, sizeof(limit));
	log_event(EV_REISSUE_WAITING, limit);
	/* The answer may have arrived before the watch. */
	timer_start(&r->poll, 0);
}

static void on_asked(void *arg, const struct kube_reply *reply, const struct err *err)
{
	struct reissue *r = arg;
	r->call = NULL;
	if (err != NULL) {
		uint64_t delay = backoff_next(&r->backoff);
		log_event(EV_REISSUE_REQUEST_FAILED, err->msg);
		timer_start(
			&r->retry, delay > reply->retry_after_ms ? delay : reply->retry_after_ms);
		return;
	}
	r->is_asked = true;
	wait_for_key(r);
}

/* The key must be present even when its value is empty: presence is the request. */
static void ask_for_key(void *arg)
{
	struct reissue *r = arg;
	AUTO(kube_fields_fini) struct kube_fields changes = {0};
	kube_fields_set(
		&changes, STORE_KEY_REISSUE_AUTHKEY, secret_str(&r->failed_key), r->failed_key.len);
	r->call = kube_secret_merge(r->kube_ref, r->secret_name, &changes, on_asked, r);
}

static void on_disconnected(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct reissue *r = arg;
	(void)reply;
	r->disconnect = NULL;
	/* A daemon that could not be cut off keeps trying the old key, which is harmless. */
	if (err != NULL)
		log_event(EV_REISSUE_DISCONNECT_FAILED, err->msg);
	log_event(EV_REISSUE_REQUESTING);
	ask_for_key(r);
}

struct reissue *reissue_new(struct loop *loop, struct localapi *api, struct kube *kube,
	struct statestore *store, const struct reissue_options *options, reissue_fn fn, void *arg)
{
	struct reissue *r = xcalloc(1, sizeof(*r));
	r->loop_ref = loop;
	r->api_ref = api;
	r->kube_ref = kube;
	r->store_ref = store;
	r->config_ref = options->config;
	r->config_dir = xstrdup(options->config_dir);
	r->secret_name = xstrdup(options->secret);
	secret_copy(&r->failed_key, config_source_authkey(options->config));
	r->limit_shown_ms = options->limit_shown_ms;
	r->backoff = BACKOFF_INIT(options->retry_base_ms, options->retry_max_ms);
	r->fn = fn;
	r->arg = arg;
	r->started_ms = clock_now_ms();
	timer_init(&r->retry, loop, ask_for_key, r);
	timer_init(&r->poll, loop, look_for_key, r);
	timer_init(&r->limit, loop, on_limit, r);
	timer_start(&r->limit, options->limit_ms);
	r->disconnect = localapi_disconnect_control(api, on_disconnected, r);
	return r;
}

bool reissue_is_asked(const struct reissue *r)
{
	return r->is_asked;
}

void reissue_free(struct reissue *r)
{
	if (r == NULL)
		return;
	localapi_cancel(r->disconnect);
	kube_cancel(r->call);
	fswatch_free(r->watch);
	timer_stop(&r->retry);
	timer_stop(&r->poll);
	timer_stop(&r->limit);
	secret_fini(&r->failed_key);
	free(r->config_dir);
	free(r->secret_name);
	free(r);
}
