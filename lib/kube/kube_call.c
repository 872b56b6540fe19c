#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"
#include "lib/kube/kube_internal.h"
#include "lib/kube/kube_status.h"

/* Of the request's time, for finding the address. */
#define RESOLVE_TIMEOUT_MS 5000
/* Of the request's time, for a connection, while there are other addresses to try. */
#define CONNECT_TIMEOUT_MS 3000

static void call_free(struct kube_call *call)
{
	*call->link = call->next;
	if (call->next != NULL)
		call->next->link = call->link;
	timer_stop(&call->failed);
	free(call->method);
	free(call->url);
	free(call->path);
	free(call->content_type);
	if (call->body != NULL)
		explicit_bzero(call->body, strlen(call->body));
	free(call->body);
	free(call);
}

void kube_cancel(struct kube_call *call)
{
	if (call == NULL)
		return;
	resolve_cancel(call->resolve);
	fetch_cancel(call->fetch);
	call_free(call);
}

static void deliver(struct kube_call *call, const struct kube_reply *reply, const struct err *err)
{
	kube_fn fn = call->fn;
	void *arg = call->arg;
	struct err e;
	if (err != NULL)
		e = *err;
	call_free(call);
	fn(arg, reply, err != NULL ? &e : NULL);
}

/* The same, naming the request. */
static void deliver_failed(
	struct kube_call *call, const struct kube_reply *reply, const struct err *err)
{
	struct err e = *err;
	err_wrap(&e, "%s %s", call->method, call->path);
	deliver(call, reply, &e);
}

static void on_failed(void *arg)
{
	struct kube_call *call = arg;
	struct kube_reply nothing = {.verb = call->verb};
	deliver_failed(call, &nothing, &call->failure);
}

static void send_request(struct kube_call *call);

static uint32_t time_left_ms(const struct kube_call *call)
{
	uint64_t now = clock_now_ms();
	return call->deadline_ms > now ? (uint32_t)(call->deadline_ms - now) : 0;
}

/* Begins with the address that answered last, so that a dead one costs its time once and not with
 * each call. */
static void order_addresses(struct kube_call *call)
{
	struct resolve_answer *a = &call->addresses;
	struct ipaddr ordered[RESOLVE_ADDRESSES_MAX] = {0};
	size_t first = 0;
	for (size_t i = 0; i < a->count; i++) {
		if (ipaddr_equal(&a->addresses[i], &call->kube->first))
			first = i;
	}
	for (size_t i = 0; i < a->count; i++)
		ordered[i] = a->addresses[(first + i) % a->count];
	memcpy(a->addresses, ordered, a->count * sizeof(ordered[0]));
	call->address_next = 0;
}

/* There was no answer from the address that was tried last: other calls begin with the next one. */
static void pass_over(struct kube_call *call)
{
	const struct resolve_answer *a = &call->addresses;
	struct ipaddr *first = &call->kube->first;
	const struct ipaddr *tried = &a->addresses[call->address_next - 1];
	if (first->family == IPADDR_NONE || ipaddr_equal(first, tried))
		*first = a->addresses[call->address_next % a->count];
}

/* A failure that the caller should retry outranks one that it should not: an address may come
 * back. */
static const struct err *worse_failure(struct kube_call *call, const struct err *err)
{
	const struct err *before = &call->last_failure;
	bool is_final = !err_is_transient(err->code);
	return is_final && before->code != 0 && err_is_transient(before->code) ? before : err;
}

/* A refused token is worth a second try only when there is another one now. */
static bool has_new_token(struct kube_call *call)
{
	struct kube_access *access = call->kube->access;
	if (call->tried_new_token)
		return false;
	call->tried_new_token = true;
	access->refresh(access, true);
	return call->generation != access->generation;
}

static void on_answer(struct kube_call *call, const struct fetch_reply *got)
{
	struct kube_reply reply = {
		.status = got->status,
		.code = got->status,
		.verb = call->verb,
	};
	struct err e;
	reply.retry_after_ms = backoff_asked(got->retry_after_ms, call->kube->retry_after_max_ms);
	bool is_unread = call->open != NULL && got->status >= 200 && got->status < 300;
	if (is_unread ||
		(got->len == 0 && got->status == 200 && strcmp(call->method, "PATCH") == 0)) {
		/* It has been read as it came. The body of the answer to a patch is not used, and
		 * some servers send none. */
		deliver(call, &reply, NULL);
		return;
	}
	AUTO(json_freep) struct json *body = NULL;
	int code = kube_status_classify(got->status, got->body, got->len, &body, &reply.code, &e);
	reply.body = body;
	if (code == 0) {
		deliver(call, &reply, NULL);
	} else if (reply.code == 401 && has_new_token(call)) {
		order_addresses(call);
		send_request(call);
	} else {
		deliver_failed(call, &reply, &e);
	}
}

void kube_call_on_reply(void *arg, const struct fetch_reply *got, const struct err *err)
{
	struct kube_call *call = arg;
	struct kube_reply nothing = {.verb = call->verb};
	call->fetch = NULL;
	if (err == NULL) {
		call->kube->first = call->addresses.addresses[call->address_next - 1];
		on_answer(call, got);
		return;
	}
	struct err failure = *worse_failure(call, err);
	call->last_failure = failure;
	/* Any failure: it does not concern the other addresses unless an answer had begun. */
	if (got->cut_status == 0)
		pass_over(call);
	if (got->cut_status == 0 && call->address_next < call->addresses.count &&
		time_left_ms(call) > 0)
		send_request(call);
	else
		deliver(call, &nothing, &failure); /* it names the request already */
}

static void send_request(struct kube_call *call)
{
	struct kube *k = call->kube;
	AUTO(strv_fini) struct strv headers = {0};
	struct kube_access *access = k->access;
	access->refresh(access, false);
	call->generation = access->generation;
	strv_push(&headers, "Accept: " KUBE_TYPE_JSON);
	strv_pushf(&headers, "Content-Type: %s", call->content_type);
	struct fetch_request request = {
		.method = call->method,
		.url = call->url,
		.headers = &headers,
		.bearer = &access->token,
		.body = call->body,
		.body_len = call->body != NULL ? strlen(call->body) : 0,
		.ca_pem = access->ca.data,
		.ca_pem_len = access->ca.len,
		.identity = access->identity_ref,
		.timeout_ms = time_left_ms(call),
		.reply_max = KUBE_REPLY_MAX,
	};
	request.address = &call->addresses.addresses[call->address_next++];
	if (call->address_next < call->addresses.count)
		request.connect_timeout_ms = CONNECT_TIMEOUT_MS;
	if (request.timeout_ms == 0) {
		err_set(&call->failure, -ETIMEDOUT, "no answer within %u ms", call->timeout_ms);
		timer_start(&call->failed, 0);
		return;
	}
	k->request_count++;
	call->fetch = call->open != NULL ? call->open(call, &request, &call->failure)
					 : fetch_start(call->fetcher_ref, &request,
						   kube_call_on_reply, call, &call->failure);
	if (call->fetch == NULL)
		timer_start(&call->failed, 0);
}

static void on_resolved(void *arg, const struct resolve_answer *answer, const struct err *err)
{
	struct kube_call *call = arg;
	struct kube_reply nothing = {.verb = call->verb};
	struct err e;
	call->resolve = NULL;
	if (err != NULL) {
		e = *err;
		/* A name that does not exist yet may exist soon: the cluster's DNS may still be
		 * starting. */
		if (e.code == -ENOENT)
			e.code = -EAGAIN;
		deliver_failed(call, &nothing, &e);
		return;
	}
	call->addresses = *answer;
	order_addresses(call);
	send_request(call);
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

struct kube_call *kube_call_new(struct kube *k, const struct kube_request *request)
{
	struct kube_call *call = xcalloc(1, sizeof(*call));
	call->kube = k;
	call->fetcher_ref = k->fetcher_ref;
	call->next = k->calls;
	call->link = &k->calls;
	if (call->next != NULL)
		call->next->link = &call->next;
	k->calls = call;
	call->verb = request->verb;
	call->method = xstrdup(request->method);
	call->url = xasprintf("%s%s", k->url_base, request->path);
	call->path = xstrndup(request->path, strcspn(request->path, "?"));
	call->content_type =
		xstrdup(request->content_type != NULL ? request->content_type : KUBE_TYPE_JSON);
	call->body = xstrdup(request->body);
	call->timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : KUBE_TIMEOUT_MS;
	call->deadline_ms = clock_now_ms() + call->timeout_ms;
	timer_init(&call->failed, k->loop_ref, on_failed, call);
	return call;
}

void kube_call_begin(struct kube_call *call)
{
	struct kube *k = call->kube;
	call->resolve = resolve_start(k->resolver_ref, k->host,
		smaller(call->timeout_ms, RESOLVE_TIMEOUT_MS), on_resolved, call, &call->failure);
	if (call->resolve == NULL)
		timer_start(&call->failed, 0);
}

struct kube_call *kube_start(
	struct kube *k, const struct kube_request *request, kube_fn fn, void *arg)
{
	struct kube_call *call = kube_call_new(k, request);
	call->fn = fn;
	call->arg = arg;
	kube_call_begin(call);
	return call;
}
