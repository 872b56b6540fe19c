#include "egress/drain_ping.h"

#include <errno.h>

#include "lib/io/fetch_stream.h"

void drain_ping_init(
	struct drain_ping *p, const struct drain_ping_setup *setup, drain_ping_fn fn, void *arg)
{
	*p = (struct drain_ping){.setup = setup, .fn = fn, .arg = arg};
}

void drain_ping_open(struct drain_ping *p, const char *url, uint32_t turn)
{
	p->url_ref = url;
	p->turn = turn;
	p->address_count = 0;
}

/* The head is all that is needed. */
static int on_head(void *arg, const struct fetch_reply *head, struct err *e)
{
	(void)arg;
	(void)head;
	return err_set(e, -ECANCELED, "answered");
}

/* The head was enough. */
static int on_data(void *arg, const char *data, size_t len, struct err *e)
{
	(void)data;
	(void)len;
	return on_head(arg, NULL, e);
}

static void on_end(void *arg, const struct fetch_reply *reply, const struct err *err)
{
	struct drain_ping *p = arg;
	p->fetch = NULL;
	/* Even if the body was too long or truncated, the head has arrived. */
	if (reply->status == 0) {
		p->fn(p->arg, DRAIN_SIGHT_NOTHING, err);
		return;
	}
	const char *address = fetch_header(reply, p->setup->header);
	bool is_own = drain_plan_is_own(address, p->setup->own);
	p->fn(p->arg, is_own ? DRAIN_SIGHT_OURS : DRAIN_SIGHT_OTHER, NULL);
}

static int ping_ask(struct drain_ping *p, struct err *e)
{
	struct fetch_request request = {
		.method = "GET",
		.url = p->url_ref,
		.address = &p->addresses[p->turn++ % p->address_count],
		.timeout_ms = p->setup->timeout_ms,
		.fresh_connection = true,
	};
	const struct fetch_stream_sink sink = {
		.on_head = on_head, .on_data = on_data, .on_end = on_end, .arg = p};
	p->fetch = fetch_stream_start(p->setup->fetcher_ref, &request, &sink, e);
	return p->fetch != NULL ? 0 : e->code;
}

/* A dual-stack Service has an address of each family, but only the header of one family is
 * compared: if that family cannot be reached from here, answers over the other one would hide
 * it. */
static void keep_addresses(struct drain_ping *p, const struct resolve_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->addresses[i].family == p->setup->family)
			p->addresses[p->address_count++] = answer->addresses[i];
	}
	for (size_t i = 0; p->address_count == 0 && i < answer->count; i++)
		p->addresses[i] = answer->addresses[i];
	if (p->address_count == 0)
		p->address_count = answer->count;
}

static bool has_family(const struct resolve_answer *answer, enum ipaddr_family family)
{
	for (size_t i = 0; i < answer->count; i++) {
		if (answer->addresses[i].family == family)
			return true;
	}
	return false;
}

/* 0 when there are addresses to ping. */
static int read_lookup(struct drain_ping *p, const struct resolve_answer *answer,
	const struct err *err, struct err *e)
{
	if (err != NULL)
		return err_set(e, err->code, "%s", err->msg);
	/* An address of the compared family may still arrive. */
	if (answer->is_partial && !has_family(answer, p->setup->family))
		return err_set(e, -EAGAIN, "lookup: no answer for IPv%d yet", p->setup->family);
	keep_addresses(p, answer);
	return p->address_count > 0 ? 0 : err_set(e, -ENOENT, "no address");
}

static void on_resolved(void *arg, const struct resolve_answer *answer, const struct err *err)
{
	struct drain_ping *p = arg;
	struct err e;
	p->question = NULL;
	int code = read_lookup(p, answer, err, &e);
	if (code < 0)
		p->fn(p->arg, code == -ENOENT ? DRAIN_SIGHT_NOWHERE : DRAIN_SIGHT_UNKNOWN, &e);
	else if (ping_ask(p, &e) < 0)
		p->fn(p->arg, DRAIN_SIGHT_NOWHERE, &e);
}

int drain_ping_send(struct drain_ping *p, struct err *e)
{
	char host[256];
	if (p->address_count > 0)
		return ping_ask(p, e);
	if (fetch_url_host(p->url_ref, host, sizeof(host), e) < 0)
		return e->code;
	p->question = resolve_start(
		p->setup->resolver_ref, host, p->setup->timeout_ms, on_resolved, p, e);
	return p->question != NULL ? 0 : e->code;
}

void drain_ping_close(struct drain_ping *p)
{
	resolve_cancel(p->question);
	fetch_cancel(p->fetch);
	p->question = NULL;
	p->fetch = NULL;
	p->url_ref = NULL;
}
