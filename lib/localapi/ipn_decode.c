#include "lib/localapi/ipn_decode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/jscan.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/localapi/ipn_peer.h"
#include "lib/localapi/ipn_record.h"
#include "lib/localapi/ipn_rules.h"
#include "lib/localapi/ipn_warning.h"
#include "lib/localapi/localapi_events.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"

/* Our own node with all its capabilities; anything larger counts as absent. */
#define CAPTURE_MAX (1024u * 1024)
#define TEXT_MAX 65536

struct ipn_decoder {
	struct jscan_rule rules[R_COUNT];
	struct jscan *scan;
	struct peers *peers_ref;     /* NULL while none is wanted */
	struct records *records_ref; /* the same */
	ipn_decode_fn fn;
	void *arg;

	struct ipn_notify notify;
	struct buf error, url, auth_url, session;
	struct strv cert_domains;
	struct selfnode self_change, self_status;
	struct ipn_warnings warnings;
	bool has_peer_list;   /* PeersChanged, possibly empty */
	struct ipn_peer peer; /* the one being read */
	struct ipn_record record;
};

static void message_reset(struct ipn_decoder *d)
{
	ipn_warnings_reset(&d->warnings);
	buf_reset(&d->error);
	buf_reset(&d->url);
	buf_reset(&d->auth_url);
	buf_reset(&d->session);
	strv_reset(&d->cert_domains);
	selfnode_fini(&d->self_change);
	selfnode_fini(&d->self_status);
	d->has_peer_list = false;
	d->notify = (struct ipn_notify){
		.state = IPN_STATE_UNKNOWN,
		.backend_state = IPN_STATE_UNKNOWN,
		.warnings = d->warnings.items,
		.cert_domains = &d->cert_domains,
	};
}

/* Stores the text in out; false when the value is not a usable string. */
static bool read_text(const struct jscan_event *ev, struct buf *out)
{
	struct err ignored;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, out, &ignored) < 0) {
		buf_reset(out);
		return false;
	}
	return true;
}

static void read_state(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int64_t value;
	if (!ev->truncated && jscan_i64(ev->text, ev->len, &value) && value >= IPN_STATE_NO_STATE &&
		value <= IPN_STATE_RUNNING)
		d->notify.state = (enum ipn_state)value;
}

static void read_backend_state(struct ipn_decoder *d, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(TEXT_MAX);
	if (read_text(ev, &name))
		d->notify.backend_state = ipn_state_parse(buf_cstr(&name));
}

static void read_warning(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_warnings_read(&d->warnings, ev);
	d->notify.warning_count = d->warnings.count;
}

static void read_cert_domain(struct ipn_decoder *d, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf domain = BUF_INIT(TEXT_MAX);
	if (d->cert_domains.len < IPN_CERT_DOMAINS_MAX && read_text(ev, &domain))
		strv_push(&d->cert_domains, buf_cstr(&domain));
}

static void read_removed(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int64_t id;
	d->notify.has_peer_changes = true;
	if (d->peers_ref != NULL && !ev->truncated && jscan_i64(ev->text, ev->len, &id))
		peers_remove(d->peers_ref, id);
}

static void read_error(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (read_text(ev, &d->error))
		d->notify.error_message = buf_cstr(&d->error);
}

static void read_url(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (read_text(ev, &d->url))
		d->notify.browse_to_url = buf_cstr(&d->url);
}

static void read_auth_url(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (read_text(ev, &d->auth_url) && d->auth_url.len > 0)
		d->notify.auth_url = buf_cstr(&d->auth_url);
}

typedef int (*selfnode_fn)(struct selfnode *s, const char *text, size_t len, struct err *e);

static void read_self(struct selfnode *self, const struct jscan_event *ev, selfnode_fn parse)
{
	struct err e;
	int code = ev->truncated
			   ? err_set(&e, -EMSGSIZE, "own node: more than %u bytes", CAPTURE_MAX)
			   : parse(self, ev->text, ev->len, &e);
	if (code == 0)
		return;
	/* Of duplicate keys the last one counts, and it was not usable. */
	selfnode_fini(self);
	log_event(EV_BUS_SELF_UNREADABLE, e.msg);
}

static void read_self_change(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_self_change = true;
	read_self(&d->self_change, ev, selfnode_from_node);
}

static void read_self_status(struct ipn_decoder *d, const struct jscan_event *ev)
{
	read_self(&d->self_status, ev, selfnode_from_status);
}

static void read_bool(bool *out, const struct jscan_event *ev)
{
	if (ev->truncated || !jscan_bool(ev->text, ev->len, out))
		*out = false;
}

static void read_want_running(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_prefs = true;
	read_bool(&d->notify.want_running, ev);
}

static void read_logged_out(struct ipn_decoder *d, const struct jscan_event *ev)
{
	read_bool(&d->notify.logged_out, ev);
}

static void read_node_id(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_node_id = !ev->truncated && ev->text[0] == '"' && ev->len > strlen("\"\"");
}

static void read_peer_id(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_read_id(&d->peer, ev);
}

static void read_peer_name(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_read_name(&d->peer, ev);
}

static void read_peer_address(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_read_address(&d->peer, ev);
}

static void read_peer_route(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_read_route(&d->peer, ev, d->peers_ref);
}

static void read_record_name(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_record_read_name(&d->record, ev);
}

static void read_record_value(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_record_read_value(&d->record, ev);
}

static void read_suspended(struct ipn_decoder *d, const struct jscan_event *ev)
{
	read_bool(&d->notify.is_suspended, ev);
}

static void read_session(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (read_text(ev, &d->session) && d->session.len > 0)
		d->notify.session_id = buf_cstr(&d->session);
}

typedef void (*read_fn)(struct ipn_decoder *d, const struct jscan_event *ev);

/* For the rules that report values; the others only mark positions. */
static const read_fn readers[R_COUNT] = {
	[R_STATE] = read_state,
	[R_ERROR] = read_error,
	[R_URL] = read_url,
	[R_SUSPENDED] = read_suspended,
	[R_SESSION] = read_session,
	[R_SELF_CHANGE] = read_self_change,
	[R_PEERS_REMOVED] = read_removed,
	[R_WARNING] = read_warning,
	[R_WANT_RUNNING] = read_want_running,
	[R_LOGGED_OUT] = read_logged_out,
	[R_NODE_ID] = read_node_id,
	[R_BACKEND_STATE] = read_backend_state,
	[R_AUTH_URL] = read_auth_url,
	[R_CERT_DOMAIN] = read_cert_domain,
	[R_SELF] = read_self_status,
	[R_NODE_PEER_ID] = read_peer_id,
	[R_NODE_PEER_NAME] = read_peer_name,
	[R_NODE_PEER_ADDRESS] = read_peer_address,
	[R_NODE_PEER_ROUTE] = read_peer_route,
	[R_STATUS_PEER_ID] = read_peer_id,
	[R_STATUS_PEER_NAME] = read_peer_name,
	[R_STATUS_PEER_ADDRESS] = read_peer_address,
	[R_STATUS_PEER_ROUTE] = read_peer_route,
	[R_RECORD_NAME] = read_record_name,
	[R_RECORD_VALUE] = read_record_value,
};

static void on_value(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (ev->truncated || !jscan_is_null(ev->text, ev->len))
		readers[ev->id](d, ev);
}

/* A member of a status has begun. What a status does not contain does not exist. */
static void read_status(struct ipn_decoder *d, const char *member)
{
	bool is_first = !d->notify.has_initial_status;
	d->notify.has_initial_status = d->notify.has_cert_domains = true;
	/* Of repeated keys the last one counts. */
	if (d->records_ref != NULL && (is_first || strcmp(member, "ExtraRecords") == 0))
		records_begin(d->records_ref);
	if (d->peers_ref != NULL && is_first && !d->has_peer_list)
		peers_begin_full(d->peers_ref);
}

/* Together with a change of our own node the list contains all peers, and the daemon does not list
 * which others are gone; without it, only some. */
static void read_peer_list(struct ipn_decoder *d, char first)
{
	if (first != '[')
		return;
	if (d->notify.has_self_change || !d->notify.has_initial_status)
		peers_begin_full(d->peers_ref);
	d->has_peer_list = true;
}

static void on_begin(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int id = ev->id;
	if (id == R_PEERS_CHANGED || id == R_PEER_PATCH)
		d->notify.has_peer_changes = true;
	else if (id == R_HEALTH)
		d->notify.has_health = true;
	else if (id == R_STATUS)
		read_status(d, ev->key);
	else if (id == R_RECORD)
		ipn_record_reset(&d->record);
	if (id == R_PEERS_CHANGED || id == R_STATUS_PEER)
		ipn_peer_reset(&d->peer);
	if (id == R_PEER_LIST)
		read_peer_list(d, ev->first);
}

static void on_end(struct ipn_decoder *d, const struct jscan_event *ev)
{
	bool is_peer = ev->id == R_PEERS_CHANGED || ev->id == R_STATUS_PEER;
	if (is_peer && d->peers_ref != NULL)
		ipn_peer_offer(&d->peer, d->peers_ref);
	else if (ev->id == R_RECORD)
		ipn_record_offer(&d->record, d->records_ref);
}

static int message_done(struct ipn_decoder *d, struct err *e)
{
	bool has_all_peers =
		d->notify.has_initial_status || (d->has_peer_list && d->notify.has_self_change);
	if (d->peers_ref != NULL && has_all_peers)
		peers_end_full(d->peers_ref);
	if (d->records_ref != NULL && d->notify.has_initial_status)
		records_end(d->records_ref);
	/* A change is newer than the status in the same message. */
	if (d->self_change.known)
		d->notify.self = &d->self_change;
	else if (d->self_status.known)
		d->notify.self = &d->self_status;
	int code = d->fn(d->arg, &d->notify, e);
	message_reset(d);
	return code;
}

static int on_event(void *arg, const struct jscan_event *ev, struct err *e)
{
	struct ipn_decoder *d = arg;
	switch (ev->kind) {
	case JSCAN_GOT_VALUE:
		on_value(d, ev);
		break;
	case JSCAN_GOT_BEGIN:
		on_begin(d, ev);
		break;
	case JSCAN_GOT_END:
		on_end(d, ev);
		break;
	case JSCAN_GOT_DOCUMENT:
		return message_done(d, e);
	}
	return 0;
}

struct ipn_decoder *ipn_decoder_new(
	struct peers *peers, struct records *records, ipn_decode_fn fn, void *arg)
{
	struct ipn_decoder *d = xcalloc(1, sizeof(*d));
	d->peers_ref = peers != NULL && peers_wants_any(peers) ? peers : NULL;
	d->records_ref = records != NULL && records_wants_any(records) ? records : NULL;
	d->fn = fn;
	d->arg = arg;
	d->error = BUF_INIT(TEXT_MAX);
	d->url = BUF_INIT(TEXT_MAX);
	d->auth_url = BUF_INIT(TEXT_MAX);
	d->session = BUF_INIT(TEXT_MAX);
	size_t count = ipn_rules_choose(d->rules, d->peers_ref != NULL, d->records_ref != NULL);
	d->scan = jscan_new(d->rules, count, CAPTURE_MAX, on_event, d);
	message_reset(d);
	return d;
}

void ipn_decoder_free(struct ipn_decoder *d)
{
	if (d == NULL)
		return;
	if (d->records_ref != NULL)
		records_cancel(d->records_ref);
	message_reset(d);
	jscan_free(d->scan);
	buf_fini(&d->error);
	buf_fini(&d->url);
	buf_fini(&d->auth_url);
	buf_fini(&d->session);
	strv_fini(&d->cert_domains);
	ipn_peer_fini(&d->peer);
	ipn_record_fini(&d->record);
	free(d);
}

int ipn_decoder_feed(struct ipn_decoder *d, const char *data, size_t len, struct err *e)
{
	return jscan_feed(d->scan, data, len, e);
}

bool ipn_decoder_is_inside(const struct ipn_decoder *d)
{
	return jscan_is_inside(d->scan);
}
