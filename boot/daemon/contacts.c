#include "boot/daemon/contacts.h"

#include <errno.h>

#include "boot/daemon/daemon_events.h"
#include "lib/localapi/localapi.h"

static void on_status(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct contacts *c = arg;
	struct active_peers peers;
	struct err e;
	c->call = NULL;
	if (err != NULL && err->code == -EMSGSIZE) {
		if (!c->is_reported)
			log_event(EV_CONTACTS_TOO_MANY, CONTACTS_REPLY_MAX / 1024);
		c->is_reported = true;
		return;
	}
	if (err == NULL && active_peers_read(reply->body, reply->len, &peers, &e) == 0)
		c->peers = peers;
	timer_start(&c->next, c->interval_ms);
}

static void ask(void *arg)
{
	struct contacts *c = arg;
	struct localapi_request request = {
		.method = "GET",
		.path = "/localapi/v0/status",
		.reply_max = CONTACTS_REPLY_MAX,
	};
	c->call = localapi_start(c->api_ref, &request, on_status, c);
}

void contacts_init(
	struct contacts *c, struct loop *loop, struct localapi *api, uint32_t interval_ms)
{
	c->api_ref = api;
	c->interval_ms = interval_ms;
	introduce_init(&c->introduce, loop, api);
	timer_init(&c->next, loop, ask, c);
}

void contacts_greet(struct contacts *c)
{
	if (c->is_watching) {
		introduce_again(&c->introduce);
		return;
	}
	c->is_watching = true;
	for (size_t k = 0; c->is_lost && k < c->peers.count; k++)
		introduce_add_alive(&c->introduce, &c->peers.addresses[k]);
	c->is_lost = false;
	introduce_begin(&c->introduce);
	/* Peers begin to talk to a daemon that is back. */
	timer_start(&c->next, c->interval_ms / 5);
}

void contacts_watch(struct contacts *c)
{
	introduce_watch(&c->introduce);
}

void contacts_lose(struct contacts *c)
{
	timer_stop(&c->next);
	localapi_cancel(c->call);
	c->call = NULL;
	introduce_stop(&c->introduce);
	c->is_watching = false;
	c->is_lost = true;
}
