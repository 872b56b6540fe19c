/*
 * The notification stream: whatever comes, in pieces of any size, is decoded the same, with and
 * without somebody who wants peers, and nothing is kept that nobody asked for.
 *
 * The first byte says how large the pieces are (0: all at once) and whether peers are wanted.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipn_decode.h"
#include "lib/localapi/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What one way of feeding found. */
struct outcome {
	int code;
	size_t messages;
	uint64_t sum; /* of what the messages said */
	size_t peers;
};

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void drop_line(void *arg, const char *id, enum log_level level, const char *text)
{
	(void)arg;
	(void)id;
	(void)level;
	(void)text;
}

static uint64_t add_text(uint64_t sum, const char *text)
{
	for (const char *p = text != NULL ? text : "?"; *p != '\0'; p++)
		sum = sum * 31 + (unsigned char)*p;
	return sum;
}

static int on_notify(void *arg, const struct ipn_notify *n, struct err *e)
{
	struct outcome *o = arg;
	(void)e;
	o->messages++;
	o->sum = o->sum * 31 + (uint64_t)(ipn_notify_state(n) + 1);
	o->sum = o->sum * 31 + (uint64_t)ipn_notify_is_relevant(n) + 2 * n->has_health +
		 4 * n->has_prefs + 8 * n->has_cert_domains;
	o->sum = add_text(o->sum, n->error_message);
	o->sum = add_text(o->sum, n->browse_to_url);
	o->sum = add_text(o->sum, n->auth_url);
	require(n->warning_count <= IPN_WARNINGS_MAX);
	for (size_t i = 0; i < n->warning_count; i++) {
		const struct ipn_warning *w = &n->warnings[i];
		require(ipn_notify_warning(n, w->code) != NULL);
		o->sum = add_text(add_text(o->sum, w->title), w->text);
		o->sum = add_text(o->sum, w->error);
	}
	for (size_t i = 0; i < n->cert_domains->len; i++)
		o->sum = add_text(o->sum, n->cert_domains->items[i]);
	if (n->self != NULL) {
		require(n->self->known && n->self->address_count <= SELFNODE_ADDRESSES_MAX);
		AUTO(mem_free) char *ips = selfnode_format_ips(n->self);
		o->sum = add_text(add_text(o->sum, n->self->fqdn), ips);
	}
	return 0;
}

/* Everything that peers are told by name or by a route to one address. */
static void want(struct peers *peers)
{
	AUTO(strv_fini) struct strv names = {0};
	struct ipaddr address;
	struct err e;
	strv_push(&names, "web.t.ts.net");
	require(ipaddr_parse("10.1.2.3", &address, &e) == 0);
	peers_want(peers, &names, &address, 1);
}

static struct outcome feed(const uint8_t *data, size_t size, size_t piece, bool wants)
{
	struct outcome o = {0};
	struct err e;
	struct peers *peers = peers_new();
	if (wants)
		want(peers);
	struct ipn_decoder *d = ipn_decoder_new(peers, NULL, on_notify, &o);
	for (size_t at = 0; at < size && o.code == 0; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		/* A copy of the exact size, so that a read past its end is seen. */
		char *exact = malloc(len);
		require(exact != NULL);
		memcpy(exact, data + at, len);
		o.code = ipn_decoder_feed(d, exact, len, &e);
		free(exact);
		(void)ipn_decoder_is_inside(d);
	}
	o.peers = peers_count(peers);
	require(wants || o.peers == 0);
	const struct peer *p = peers_by_name(peers, "web.t.ts.net");
	require(p == NULL || p->address_count == 0 || p->addresses != NULL);
	ipn_decoder_free(d);
	peers_free(peers);
	return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	log_set_sink(drop_line, NULL);
	bool wants = data[0] % 2 == 1;
	size_t piece = data[0] / 2;
	data++;
	size--;
	struct outcome whole = feed(data, size, size, wants);
	struct outcome pieces = feed(data, size, piece > 0 ? piece : size, wants);
	require(whole.code == pieces.code);
	require(whole.messages == pieces.messages && whole.sum == pieces.sum);
	require(whole.peers == pieces.peers);
	/* Wishes change what is kept, not what is told. */
	struct outcome other = feed(data, size, size, !wants);
	require(other.code == whole.code && other.messages == whole.messages);
	require(other.sum == whole.sum);
	return 0;
}
