#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control_internal.h"
#include "lib/io/fetch_http2.h"

/* Of the request's time, for finding the address. */
#define RESOLVE_TIMEOUT_MS 10000
/* Of the request's time, for a connection, while there are other addresses to try. */
#define FIRST_CONNECT_MS 3000

struct control_transfer {
	struct control *c;
	struct control_transfer_request what;
	uint64_t deadline_ms;
	struct resolve *resolve;
	struct resolve_answer addresses;
	size_t address_next; /* of those, the one to try next */
	struct fetch *fetch;
	struct timer failed; /* delivers a failure to start */
	struct err failure;
	fetch_fn fn;
	void *arg;
};

static void transfer_free(struct control_transfer *t)
{
	timer_stop(&t->failed);
	free(t);
}

void control_transfer_cancel(struct control_transfer *t)
{
	if (t == NULL)
		return;
	resolve_cancel(t->resolve);
	fetch_cancel(t->fetch);
	transfer_free(t);
}

static void deliver(
	struct control_transfer *t, const struct fetch_reply *reply, const struct err *err)
{
	struct control *c = t->c;
	fetch_fn fn = t->fn;
	void *arg = t->arg;
	struct err failure = {0};
	if (err != NULL)
		failure = *err;
	if (c->trace != NULL)
		c->trace(c->trace_arg, c->name, control_operation_name(t->what.operation),
			err == NULL ? reply->status : 0);
	transfer_free(t);
	fn(arg, reply, err != NULL ? &failure : NULL);
}

static void deliver_failure(struct control_transfer *t, const struct err *err)
{
	static const struct strv no_headers;
	struct fetch_reply nothing = {.body = "", .headers = &no_headers};
	deliver(t, &nothing, err);
}

static void on_failed(void *arg)
{
	struct control_transfer *t = arg;
	deliver_failure(t, &t->failure);
}

static uint32_t time_left_ms(const struct control_transfer *t)
{
	uint64_t now = clock_now_ms();
	return t->deadline_ms > now ? (uint32_t)(t->deadline_ms - now) : 0;
}

/* Begins with the address that answered last, so that a dead one costs its time once. */
static void order_addresses(struct control_transfer *t)
{
	struct resolve_answer *a = &t->addresses;
	for (size_t i = 1; i < a->count; i++) {
		if (!ipaddr_equal(&a->addresses[i], &t->c->first))
			continue;
		struct ipaddr known = a->addresses[i];
		memmove(&a->addresses[1], &a->addresses[0], i * sizeof(known));
		a->addresses[0] = known;
		return;
	}
}

/* Without a connection nothing has been asked for. A time-out may also be one of the answer. */
static bool is_unconnected(int code)
{
	return code == -ECONNREFUSED || code == -EHOSTUNREACH || code == -ENETUNREACH ||
	       code == -EADDRNOTAVAIL;
}

static void send_request(struct control_transfer *t);

static void on_reply(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct control_transfer *t = arg;
	t->fetch = NULL;
	if (err == NULL) {
		t->c->first = t->addresses.addresses[t->address_next - 1];
		deliver(t, reply, NULL);
		return;
	}
	bool has_more = t->address_next < t->addresses.count && time_left_ms(t) > 0;
	bool is_safe =
		is_unconnected(err->code) || control_operation_is_repeatable(t->what.operation);
	if (has_more && is_safe && reply->cut_status == 0)
		send_request(t);
	else
		deliver(t, reply, err);
}

static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	struct control_transfer *t = arg;
	return control_list_feed(t->what.list, data, len, e);
}

static void start_fetch(struct control_transfer *t, const struct fetch_request *request)
{
	struct fetcher *f = t->c->fetcher_ref;
	const struct fetch_stream_sink sink = {
		.on_data = on_data,
		.on_end = on_reply,
		.arg = t,
	};
	t->fetch = t->what.list != NULL ? fetch_stream_start(f, request, &sink, &t->failure)
					: fetch_start(f, request, on_reply, t, &t->failure);
	if (t->fetch == NULL)
		timer_start(&t->failed, 0);
}

static void send_request(struct control_transfer *t)
{
	const struct control *c = t->c;
	const struct control_request *r = t->what.request;
	AUTO(strv_fini) struct strv headers = {0};
	AUTO(mem_free) char *url = xasprintf("%s%s", c->base, r->path);
	const struct fetch_route route = {
		.ca_file = c->trust.path,
		.proxy = c->proxy,
		.is_sent_once = !control_operation_is_repeatable(t->what.operation),
	};
	strv_push(&headers, "Accept: " CONTROL_TYPE_JSON);
	if (r->body != NULL)
		strv_pushf(&headers, "Content-Type: %s", r->content_type);
	struct fetch_request request = {
		.method = r->method,
		.url = url,
		.address = &t->addresses.addresses[t->address_next++],
		.headers = &headers,
		.bearer = t->what.bearer,
		.body = r->body,
		.body_len = r->body != NULL ? strlen(r->body) : 0,
		.route = &route,
		.timeout_ms = time_left_ms(t),
		.connect_timeout_ms = CONTROL_CONNECT_MS,
		.reply_max = CONTROL_REPLY_MAX,
	};
	if (t->address_next < t->addresses.count)
		request.connect_timeout_ms = FIRST_CONNECT_MS;
	if (request.timeout_ms == 0) {
		err_set(&t->failure, -ETIMEDOUT, "no answer within %u ms", t->what.timeout_ms);
		timer_start(&t->failed, 0);
		return;
	}
	start_fetch(t, &request);
}

static void on_resolved(void *arg, const struct resolve_answer *answer, const struct err *err)
{
	struct control_transfer *t = arg;
	t->resolve = NULL;
	if (err != NULL) {
		struct err e = *err;
		deliver_failure(t, &e);
		return;
	}
	t->addresses = *answer;
	order_addresses(t);
	send_request(t);
}

struct control_transfer *control_transfer_start(
	struct control *c, const struct control_transfer_request *what, fetch_fn fn, void *arg)
{
	struct control_transfer *t = xcalloc(1, sizeof(*t));
	t->c = c;
	t->what = *what;
	t->deadline_ms = clock_now_ms() + what->timeout_ms;
	t->fn = fn;
	t->arg = arg;
	timer_init(&t->failed, c->loop_ref, on_failed, t);
	uint32_t limit =
		what->timeout_ms < RESOLVE_TIMEOUT_MS ? what->timeout_ms : RESOLVE_TIMEOUT_MS;
	t->resolve = resolve_start(c->resolver_ref, c->host, limit, on_resolved, t, &t->failure);
	if (t->resolve == NULL)
		timer_start(&t->failed, 0);
	return t;
}
