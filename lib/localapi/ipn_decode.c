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

/* The own node with all its capabilities; anything larger counts as not told. */
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
	bool has_peer_list;   /* of changed ones, maybe empty */
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

/* A text in out and true; false when the value is no usable string. */
static bool take_text(const struct jscan_event *ev, struct buf *out)
{
	struct err ignored;
	if (ev->truncated || jscan_unquote(ev->text, ev->len, out, &ignored) < 0) {
		buf_reset(out);
		return false;
	}
	return true;
}

static void take_state(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int64_t value;
	if (!ev->truncated && jscan_i64(ev->text, ev->len, &value) && value >= IPN_STATE_NO_STATE &&
		value <= IPN_STATE_RUNNING)
		d->notify.state = (enum ipn_state)value;
}

static void take_backend_state(struct ipn_decoder *d, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf name = BUF_INIT(TEXT_MAX);
	if (take_text(ev, &name))
		d->notify.backend_state = ipn_state_parse(buf_cstr(&name));
}

static void take_warning(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_warnings_take(&d->warnings, ev);
	d->notify.warning_count = d->warnings.count;
}

static void take_cert_domain(struct ipn_decoder *d, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf domain = BUF_INIT(TEXT_MAX);
	if (d->cert_domains.len < IPN_CERT_DOMAINS_MAX && take_text(ev, &domain))
		strv_push(&d->cert_domains, buf_cstr(&domain));
}

static void take_removed(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int64_t id;
	d->notify.has_peer_changes = true;
	if (d->peers_ref != NULL && !ev->truncated && jscan_i64(ev->text, ev->len, &id))
		peers_remove(d->peers_ref, id);
}

static void take_error(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (take_text(ev, &d->error))
		d->notify.error_message = buf_cstr(&d->error);
}

static void take_url(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (take_text(ev, &d->url))
		d->notify.browse_to_url = buf_cstr(&d->url);
}

static void take_auth_url(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (take_text(ev, &d->auth_url) && d->auth_url.len > 0)
		d->notify.auth_url = buf_cstr(&d->auth_url);
}

typedef int (*selfnode_fn)(struct selfnode *s, const char *text, size_t len, struct err *e);

static void take_self(struct selfnode *self, const struct jscan_event *ev, selfnode_fn parse)
{
	struct err e;
	int code = ev->truncated
			   ? err_set(&e, -EMSGSIZE, "own node: more than %u bytes", CAPTURE_MAX)
			   : parse(self, ev->text, ev->len, &e);
	if (code == 0)
		return;
	/* Of repeated keys the last one counts, and it told nothing. */
	selfnode_fini(self);
	log_event(EV_BUS_SELF_UNREADABLE, e.msg);
}

static void take_self_change(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_self_change = true;
	take_self(&d->self_change, ev, selfnode_from_node);
}

static void take_self_status(struct ipn_decoder *d, const struct jscan_event *ev)
{
	take_self(&d->self_status, ev, selfnode_from_status);
}

static void take_bool(bool *out, const struct jscan_event *ev)
{
	if (ev->truncated || !jscan_bool(ev->text, ev->len, out))
		*out = false;
}

static void take_want_running(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_prefs = true;
	take_bool(&d->notify.want_running, ev);
}

static void take_logged_out(struct ipn_decoder *d, const struct jscan_event *ev)
{
	take_bool(&d->notify.logged_out, ev);
}

static void take_node_id(struct ipn_decoder *d, const struct jscan_event *ev)
{
	d->notify.has_node_id = !ev->truncated && ev->text[0] == '"' && ev->len > strlen("\"\"");
}

static void take_peer_id(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_take_id(&d->peer, ev);
}

static void take_peer_name(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_take_name(&d->peer, ev);
}

static void take_peer_address(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_take_address(&d->peer, ev);
}

static void take_peer_route(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_peer_take_route(&d->peer, ev, d->peers_ref);
}

static void take_record_name(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_record_take_name(&d->record, ev);
}

static void take_record_value(struct ipn_decoder *d, const struct jscan_event *ev)
{
	ipn_record_take_value(&d->record, ev);
}

static void take_suspended(struct ipn_decoder *d, const struct jscan_event *ev)
{
	take_bool(&d->notify.is_suspended, ev);
}

static void take_session(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (take_text(ev, &d->session) && d->session.len > 0)
		d->notify.session_id = buf_cstr(&d->session);
}

typedef void (*take_fn)(struct ipn_decoder *d, const struct jscan_event *ev);

/* Of the rules that report values; the others are marks. */
static const take_fn takers[R_COUNT] = {
	[R_STATE] = take_state,
	[R_ERROR] = take_error,
	[R_URL] = take_url,
	[R_SUSPENDED] = take_suspended,
	[R_SESSION] = take_session,
	[R_SELF_CHANGE] = take_self_change,
	[R_PEERS_REMOVED] = take_removed,
	[R_WARNING] = take_warning,
	[R_WANT_RUNNING] = take_want_running,
	[R_LOGGED_OUT] = take_logged_out,
	[R_NODE_ID] = take_node_id,
	[R_BACKEND_STATE] = take_backend_state,
	[R_AUTH_URL] = take_auth_url,
	[R_CERT_DOMAIN] = take_cert_domain,
	[R_SELF] = take_self_status,
	[R_NODE_PEER_ID] = take_peer_id,
	[R_NODE_PEER_NAME] = take_peer_name,
	[R_NODE_PEER_ADDRESS] = take_peer_address,
	[R_NODE_PEER_ROUTE] = take_peer_route,
	[R_STATUS_PEER_ID] = take_peer_id,
	[R_STATUS_PEER_NAME] = take_peer_name,
	[R_STATUS_PEER_ADDRESS] = take_peer_address,
	[R_STATUS_PEER_ROUTE] = take_peer_route,
	[R_RECORD_NAME] = take_record_name,
	[R_RECORD_VALUE] = take_record_value,
};

static void take_value(struct ipn_decoder *d, const struct jscan_event *ev)
{
	if (ev->truncated || !jscan_is_null(ev->text, ev->len))
		takers[ev->id](d, ev);
}

/* A member of a status has begun. What a status does not tell, is not there. */
static void take_status(struct ipn_decoder *d, const char *member)
{
	bool is_first = !d->notify.has_initial_status;
	d->notify.has_initial_status = d->notify.has_cert_domains = true;
	/* Of repeated keys the last one counts. */
	if (d->records_ref != NULL && (is_first || strcmp(member, "ExtraRecords") == 0))
		records_begin(d->records_ref);
	if (d->peers_ref != NULL && is_first && !d->has_peer_list)
		peers_begin_full(d->peers_ref);
}

/* Beside a change of the own node these are all peers, and the daemon does not tell apart which of
 * the others are gone; without it they are some. */
static void take_peer_list(struct ipn_decoder *d, char first)
{
	if (first != '[')
		return;
	if (d->notify.has_self_change || !d->notify.has_initial_status)
		peers_begin_full(d->peers_ref);
	d->has_peer_list = true;
}

static void take_begin(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int id = ev->id;
	if (id == R_PEERS_CHANGED || id == R_PEER_PATCH)
		d->notify.has_peer_changes = true;
	else if (id == R_HEALTH)
		d->notify.has_health = true;
	else if (id == R_STATUS)
		take_status(d, ev->key);
	else if (id == R_RECORD)
		ipn_record_reset(&d->record);
	if (id == R_PEERS_CHANGED || id == R_STATUS_PEER)
		ipn_peer_reset(&d->peer);
	if (id == R_PEER_LIST)
		take_peer_list(d, ev->first);
}

static void take_end(struct ipn_decoder *d, const struct jscan_event *ev)
{
	bool is_peer = ev->id == R_PEERS_CHANGED || ev->id == R_STATUS_PEER;
	if (is_peer && d->peers_ref != NULL)
		ipn_peer_offer(&d->peer, d->peers_ref);
	else if (ev->id == R_RECORD)
		ipn_record_offer(&d->record, d->records_ref);
}

static int message_done(struct ipn_decoder *d, struct err *e)
{
	bool tells_all_peers =
		d->notify.has_initial_status || (d->has_peer_list && d->notify.has_self_change);
	if (d->peers_ref != NULL && tells_all_peers)
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
		take_value(d, ev);
		break;
	case JSCAN_GOT_BEGIN:
		take_begin(d, ev);
		break;
	case JSCAN_GOT_END:
		take_end(d, ev);
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
