#include "boot/daemon/renewal.h"

#include "boot/daemon/daemon_events.h"
#include "lib/base/ipaddr.h"
#include "lib/localapi/localapi.h"

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 5000

static void switch_on(void *arg);

static struct localapi_call *want_running(struct renewal *r, const char *body, localapi_fn fn)
{
	struct localapi_request request = {
		.method = "PATCH", .path = "/localapi/v0/prefs", .body = body};
	return localapi_start(r->api_ref, &request, fn, r);
}

static void on_switched_on(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct renewal *r = arg;
	(void)reply;
	r->call = NULL;
	if (err != NULL) {
		log_event(EV_RENEWAL_FAILED, err->msg);
		timer_start(&r->retry, backoff_next(&r->backoff));
		return;
	}
	r->is_off = false;
	backoff_reset(&r->backoff);
}

static void switch_on(void *arg)
{
	struct renewal *r = arg;
	r->call = want_running(r, "{\"WantRunning\":true,\"WantRunningSet\":true}", on_switched_on);
}

static void on_switched_off(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct renewal *r = arg;
	r->call = NULL;
	/* Without an answer it may have been switched off. */
	if (err == NULL || reply->status == 0) {
		switch_on(r);
		return;
	}
	log_event(EV_RENEWAL_FAILED, err->msg);
	r->is_off = false;
}

void renewal_init(struct renewal *r, struct loop *loop, struct localapi *api)
{
	r->api_ref = api;
	r->backoff = BACKOFF_INIT(RETRY_MIN_MS, RETRY_MAX_MS);
	timer_init(&r->retry, loop, switch_on, r);
}

void renewal_begin(struct renewal *r, const struct ipaddr *target)
{
	char text[IPADDR_TEXT_MAX];
	if (r->is_off || r->count == RENEWALS_MAX)
		return;
	r->count++;
	r->is_off = true;
	log_event(EV_RENEWAL, ipaddr_format(target, text));
	r->call =
		want_running(r, "{\"WantRunning\":false,\"WantRunningSet\":true}", on_switched_off);
}

void renewal_resume(struct renewal *r)
{
	if (r->is_off && r->call == NULL)
		switch_on(r);
}

void renewal_stop(struct renewal *r)
{
	timer_stop(&r->retry);
	localapi_cancel(r->call);
	r->call = NULL;
	r->count = 0;
}
