#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/control/control_internal.h"

struct control_call {
	struct control *c;
	struct control_call *next, **link;
	enum control_operation operation;
	struct control_exchange *exchange;
	struct control_probe *probe;
	struct control_list *list;
	struct timer failed; /* delivers a request that cannot be made */
	struct err failure;
	control_fn fn;
	control_key_fn key_fn; /* of CONTROL_DO_CREATE_KEY, in place of fn */
	void *arg;
};

static void call_free(struct control_call *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	timer_stop(&call->failed);
	control_list_free(call->list);
	free(call);
}

void control_cancel(struct control_call *call)
{
	if (call == NULL)
		return;
	control_exchange_cancel(call->exchange);
	control_probe_cancel(call->probe);
	call_free(call);
}

void control_call_cancel_all(struct control *c)
{
	while (c->calls != NULL)
		control_cancel(c->calls);
}

static void deliver(
	struct control_call *call, const struct control_result *result, const struct err *err)
{
	struct control_call copy = *call;
	call_free(call);
	if (copy.key_fn != NULL)
		copy.key_fn(copy.arg, NULL, result, err);
	else
		copy.fn(copy.arg, result, err);
}

static void on_failed(void *arg)
{
	struct control_call *call = arg;
	struct err e = call->failure;
	const struct control_result result = {.outcome = CONTROL_INVALID};
	deliver(call, &result, &e);
}

static struct control_call *call_new(struct control *c, enum control_operation operation)
{
	struct control_call *call = xcalloc(1, sizeof(*call));
	call->c = c;
	call->operation = operation;
	call->next = c->calls;
	call->link = &c->calls;
	if (call->next != NULL)
		call->next->link = &call->next;
	c->calls = call;
	timer_init(&call->failed, c->loop_ref, on_failed, call);
	return call;
}

static void on_done(void *arg, const struct control_result *result, const struct fetch_reply *reply,
	const struct err *err)
{
	struct control_call *call = arg;
	(void)reply;
	call->exchange = NULL;
	deliver(call, result, err);
}

static void on_key(void *arg, const struct control_result *result, const struct fetch_reply *reply,
	const struct err *err)
{
	struct control_call *call = arg;
	const struct control_driver *driver = call->c->driver;
	struct control_result got = *result;
	struct err e;
	call->exchange = NULL;
	if (err != NULL) {
		deliver(call, result, err);
		return;
	}
	AUTO(json_freep) struct json *answer = json_parse(reply->body, reply->len, &e);
	struct secret text = {0};
	struct control_key key = {.key = &text};
	const char *bytes;
	if (answer == NULL || driver->read_key(answer, &key.id, &bytes, &e) < 0) {
		got.outcome = CONTROL_UNAVAILABLE;
		err_wrap(&e, "tailnet \"%s\": create a key", call->c->name);
		deliver(call, &got, &e);
		return;
	}
	secret_set_str(&text, bytes);
	control_key_fn fn = call->key_fn;
	void *target = call->arg;
	call_free(call);
	fn(target, &key, &got, NULL);
	secret_fini(&text);
}

/* code: what the driver said of the request. */
static struct control_call *call_begin(struct control_call *call, int code,
	struct control_request *request, control_exchange_fn fn)
{
	if (code < 0) {
		control_request_fini(request);
		err_wrap(&call->failure, "tailnet \"%s\": %s", call->c->name,
			control_operation_text(call->operation));
		timer_start(&call->failed, 0);
		return call;
	}
	struct control_exchange_request what = {
		.operation = call->operation,
		.request = *request,
		.list = call->list,
	};
	call->exchange = control_exchange_start(call->c, &what, fn, call);
	return call;
}

struct control_call *control_create_key(
	struct control *c, const struct control_key_request *key, control_key_fn fn, void *arg)
{
	struct control_call *call = call_new(c, CONTROL_DO_CREATE_KEY);
	struct control_request request = {0};
	call->key_fn = fn;
	call->arg = arg;
	int code = c->driver->create_key(key, c->tailnet, clock_wall(), &request, &call->failure);
	return call_begin(call, code, &request, on_key);
}

struct control_call *control_delete_key(struct control *c, const char *id, control_fn fn, void *arg)
{
	struct control_call *call = call_new(c, CONTROL_DO_DELETE_KEY);
	struct control_request request = {0};
	call->fn = fn;
	call->arg = arg;
	int code = c->driver->delete_key(id, c->tailnet, &request, &call->failure);
	return call_begin(call, code, &request, on_done);
}

struct control_call *control_list_devices(struct control *c, const struct control_devices *sink)
{
	struct control_call *call = call_new(c, CONTROL_DO_LIST_DEVICES);
	struct control_request request = {0};
	call->fn = sink->on_end;
	call->arg = sink->arg;
	call->list = control_list_new(c->driver, sink->on_device, sink->arg);
	c->driver->list_devices(c->tailnet, &request);
	return call_begin(call, 0, &request, on_done);
}

struct control_call *control_delete_device(
	struct control *c, const char *id, control_fn fn, void *arg)
{
	struct control_call *call = call_new(c, CONTROL_DO_DELETE_DEVICE);
	struct control_request request = {0};
	call->fn = fn;
	call->arg = arg;
	int code = c->driver->delete_device(id, &request, &call->failure);
	return call_begin(call, code, &request, on_done);
}

static void on_probed(void *arg, const struct control_result *result, const struct err *err)
{
	struct control_call *call = arg;
	call->probe = NULL;
	deliver(call, result, err);
}

struct control_call *control_probe(struct control *c, control_fn fn, void *arg)
{
	struct control_call *call = call_new(c, CONTROL_DO_PROBE);
	call->fn = fn;
	call->arg = arg;
	call->probe = control_probe_start(c, on_probed, call);
	return call;
}
