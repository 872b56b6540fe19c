/*
 * The notification stream: any bytes, in pieces of any size, are decoded the same with and without
 * wanted peers and records, and nothing is kept that is not wanted. The same bytes are read as a
 * dns-config, in the middle of a message and after it.
 *
 * The first byte holds the size of the pieces (0: all at once) and whether peers and records are
 * wanted.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/localapi/dns_config.h"
#include "lib/localapi/ipn_decode.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The result of one way of feeding. */
struct outcome {
	int code;
	size_t messages;
	uint64_t sum; /* of the content of the messages */
	size_t peers;
	uint64_t generation; /* of peers and records */
	uint64_t kept;       /* sum of the kept ones */
};

/* The consumer of the stream. */
struct tables {
	struct peers *peers;
	struct records *records;
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
		 4 * n->has_prefs + 8 * n->has_cert_domains + 16 * n->is_suspended;
	o->sum = add_text(o->sum, n->error_message);
	o->sum = add_text(o->sum, n->browse_to_url);
	o->sum = add_text(o->sum, n->auth_url);
	o->sum = add_text(o->sum, n->session_id);
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

/* Two names, and one address that routes lead to. */
static void want(struct tables *t)
{
	AUTO(strv_fini) struct strv names = {0};
	struct ipaddr address;
	struct err e;
	strv_push(&names, "web.t.ts.net");
	strv_push(&names, "Svc.t.ts.net.");
	require(ipaddr_parse("10.1.2.3", &address, &e) == 0);
	peers_want(t->peers, &names, &address, 1);
	records_want(t->records, &names);
}

static uint64_t sum_peer(uint64_t sum, const struct peer *p)
{
	if (p == NULL)
		return sum * 31;
	sum = add_text(sum * 31 + (uint64_t)p->id, p->name);
	for (size_t i = 0; i < p->address_count; i++) {
		char text[IPPREFIX_TEXT_MAX];
		sum = add_text(sum, ipprefix_format(&p->addresses[i], text));
	}
	return sum * 31 + p->route_count;
}

static uint64_t sum_records(uint64_t sum, const struct records *r, const char *name)
{
	const struct ipaddr *addresses;
	size_t count;
	require(records_lookup(r, name, &addresses, &count) == (count > 0));
	for (size_t i = 0; i < count; i++) {
		char text[IPADDR_TEXT_MAX];
		require(addresses[i].family != IPADDR_NONE && addresses[i].zone[0] == '\0');
		sum = add_text(sum, ipaddr_format(&addresses[i], text));
	}
	return sum;
}

static uint64_t sum_kept(const struct tables *t)
{
	struct ipaddr address;
	struct err e;
	require(ipaddr_parse("10.1.2.3", &address, &e) == 0);
	uint64_t sum = sum_peer(1, peers_by_name(t->peers, "web.t.ts.net"));
	sum = sum_peer(sum, peers_by_name(t->peers, "SVC.t.ts.net"));
	sum = sum_peer(sum, peers_by_exact_route(t->peers, &address));
	/* A node with the address as a single prefix also contains it. */
	const struct peer *by_route = peers_by_route(t->peers, &address);
	require(by_route != NULL || peers_by_exact_route(t->peers, &address) == NULL);
	sum = sum_records(sum_peer(sum, by_route), t->records, "web.t.ts.net.");
	return sum_records(sum, t->records, "svc.t.ts.net");
}

/* Never changes data that a status is about to replace, and changes nothing when it fails. */
static void read_as_config(struct records *r, const char *text, size_t len)
{
	struct err e;
	bool was_open = records_is_open(r);
	uint64_t generation = records_generation(r);
	AUTO(strv_fini) struct strv domains = {0};
	strv_push(&domains, "old");
	int code = dns_config_read(text, len, r, &domains, &e);
	require(domains.len <= IPN_CERT_DOMAINS_MAX);
	require(code == 0 || (domains.len == 1 && strcmp(domains.items[0], "old") == 0));
	require(records_is_open(r) == was_open);
	if (code < 0 || was_open)
		require(records_generation(r) == generation);
}

static struct outcome feed(const uint8_t *data, size_t size, size_t piece, bool wants)
{
	struct outcome o = {0};
	struct err e;
	struct tables t = {peers_new(), records_new()};
	if (wants)
		want(&t);
	struct ipn_decoder *d = ipn_decoder_new(t.peers, t.records, on_notify, &o);
	for (size_t at = 0; at < size && o.code == 0; at += piece) {
		size_t len = size - at < piece ? size - at : piece;
		/* A copy of the exact size, so that a read past its end is seen. */
		char *exact = malloc(len);
		require(exact != NULL);
		memcpy(exact, data + at, len);
		o.code = ipn_decoder_feed(d, exact, len, &e);
		if (records_is_open(t.records))
			read_as_config(t.records, exact, len);
		free(exact);
		(void)ipn_decoder_is_inside(d);
	}
	ipn_decoder_free(d);
	require(!records_is_open(t.records));
	o.peers = peers_count(t.peers);
	o.kept = sum_kept(&t);
	o.generation = peers_generation(t.peers) * 65537 + records_generation(t.records);
	require(wants || (o.peers == 0 && o.generation == 0));
	read_as_config(t.records, (const char *)data, size);
	/* Nothing is left that is no longer wanted. */
	AUTO(strv_fini) struct strv none = {0};
	peers_want(t.peers, &none, NULL, 0);
	records_want(t.records, &none);
	require(peers_count(t.peers) == 0);
	peers_free(t.peers);
	records_free(t.records);
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
	require(whole.peers == pieces.peers && whole.kept == pieces.kept);
	require(whole.generation == pieces.generation);
	/* Wants change what is kept, not what is reported. */
	struct outcome other = feed(data, size, size, !wants);
	require(other.code == whole.code && other.messages == whole.messages);
	require(other.sum == whole.sum);
	return 0;
}
