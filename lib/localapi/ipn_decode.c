#include "lib/localapi/ipn_decode.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/base/jscan.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/localapi/ipn_peer.h"
#include "lib/localapi/peers.h"

/* The own node with all its capabilities; anything larger counts as not told. */
#define CAPTURE_MAX (1024u * 1024)
#define TEXT_MAX 8192

enum rule {
	R_STATE,
	R_ERROR,
	R_URL,
	R_LOGIN_FINISHED,
	R_SELF_CHANGE,
	R_PEERS_CHANGED,
	R_PEERS_REMOVED,
	R_PEER_PATCH,
	R_HEALTH,
	R_WARNING,
	R_WANT_RUNNING,
	R_LOGGED_OUT,
	R_NODE_ID,
	R_BACKEND_STATE,
	R_AUTH_URL,
	R_CERT_DOMAIN,
	R_SELF,
	R_STATUS_PEER,
	/* only while peers are wanted */
	R_NODE_PEER_ID,
	R_NODE_PEER_NAME,
	R_NODE_PEER_ADDRESS,
	R_NODE_PEER_ROUTE,
	R_STATUS_PEER_ID,
	R_STATUS_PEER_NAME,
	R_STATUS_PEER_ADDRESS,
	R_STATUS_PEER_ROUTE,
};

static const struct jscan_rule rules[] = {
	{R_STATE, {"State"}, JSCAN_VALUE},
	{R_ERROR, {"ErrMessage"}, JSCAN_VALUE},
	{R_URL, {"BrowseToURL"}, JSCAN_VALUE},
	{R_LOGIN_FINISHED, {"LoginFinished"}, JSCAN_VALUE},
	{R_SELF_CHANGE, {"SelfChange"}, JSCAN_VALUE},
	{R_PEERS_CHANGED, {"PeersChanged", "*"}, JSCAN_MARK},
	{R_PEERS_REMOVED, {"PeersRemoved", "*"}, JSCAN_VALUE},
	{R_PEER_PATCH, {"PeerChangedPatch", "*"}, JSCAN_MARK},
	{R_HEALTH, {"Health"}, JSCAN_MARK},
	{R_WARNING, {"Health", "Warnings", "*"}, JSCAN_VALUE},
	{R_WANT_RUNNING, {"Prefs", "WantRunning"}, JSCAN_VALUE},
	{R_LOGGED_OUT, {"Prefs", "LoggedOut"}, JSCAN_VALUE},
	{R_NODE_ID, {"Prefs", "Config", "NodeID"}, JSCAN_VALUE},
	{R_BACKEND_STATE, {"InitialStatus", "BackendState"}, JSCAN_VALUE},
	{R_AUTH_URL, {"InitialStatus", "AuthURL"}, JSCAN_VALUE},
	{R_CERT_DOMAIN, {"InitialStatus", "CertDomains", "*"}, JSCAN_VALUE},
	{R_SELF, {"InitialStatus", "Self"}, JSCAN_VALUE},
	/* Rules from here on are left out while no peer is wanted. */
	{R_STATUS_PEER, {"InitialStatus", "Peer", "*"}, JSCAN_MARK},
	{R_NODE_PEER_ID, {"PeersChanged", "*", "ID"}, JSCAN_VALUE},
	{R_NODE_PEER_NAME, {"PeersChanged", "*", "Name"}, JSCAN_VALUE},
	{R_NODE_PEER_ADDRESS, {"PeersChanged", "*", "Addresses", "*"}, JSCAN_VALUE},
	{R_NODE_PEER_ROUTE, {"PeersChanged", "*", "AllowedIPs", "*"}, JSCAN_VALUE},
	{R_STATUS_PEER_ID, {"InitialStatus", "Peer", "*", "NodeID"}, JSCAN_VALUE},
	{R_STATUS_PEER_NAME, {"InitialStatus", "Peer", "*", "DNSName"}, JSCAN_VALUE},
	{R_STATUS_PEER_ADDRESS, {"InitialStatus", "Peer", "*", "TailscaleIPs", "*"}, JSCAN_VALUE},
	{R_STATUS_PEER_ROUTE, {"InitialStatus", "Peer", "*", "AllowedIPs", "*"}, JSCAN_VALUE},
};

#define RULES_WITHOUT_PEERS 17

struct ipn_decoder {
	struct jscan *scan;
	struct peers *peers_ref; /* NULL while none is wanted */
	ipn_decode_fn fn;
	void *arg;

	struct ipn_notify notify;
	struct buf error, url, auth_url;
	struct strv cert_domains;
	struct selfnode self_change, self_status;
	struct ipn_warning warnings[IPN_WARNINGS_MAX];
	bool health_is_told;
	bool status_has_peers;
	struct ipn_peer peer; /* the one being read */
};

static void warnings_reset(struct ipn_decoder *d)
{
	for (size_t i = 0; i < d->notify.warning_count; i++) {
		free(d->warnings[i].code);
		free(d->warnings[i].title);
		free(d->warnings[i].text);
		free(d->warnings[i].error);
	}
}

static void message_reset(struct ipn_decoder *d)
{
	warnings_reset(d);
	buf_reset(&d->error);
	buf_reset(&d->url);
	buf_reset(&d->auth_url);
	strv_reset(&d->cert_domains);
	selfnode_fini(&d->self_change);
	selfnode_fini(&d->self_status);
	d->status_has_peers = false;
	d->notify = (struct ipn_notify){
		.state = IPN_STATE_UNKNOWN,
		.backend_state = IPN_STATE_UNKNOWN,
		.warnings = d->warnings,
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

static char *text_of(const struct json *obj, const char *key)
{
	const char *text = json_str(json_get(obj, key));
	return xstrdup(text != NULL ? text : "");
}

static void take_warning(struct ipn_decoder *d, const struct jscan_event *ev)
{
	struct err ignored;
	if (d->notify.warning_count == IPN_WARNINGS_MAX || ev->truncated)
		return;
	AUTO(json_freep) struct json *doc = json_parse(ev->text, ev->len, &ignored);
	if (json_type(doc) != JSON_OBJECT)
		return;
	struct ipn_warning *w = &d->warnings[d->notify.warning_count++];
	w->code = xstrdup(ev->key);
	w->title = text_of(doc, "Title");
	w->text = text_of(doc, "Text");
	w->error = text_of(json_get(doc, "Args"), "error");
}

static void take_cert_domain(struct ipn_decoder *d, const struct jscan_event *ev)
{
	AUTO(buf_fini) struct buf domain = BUF_INIT(TEXT_MAX);
	if (take_text(ev, &domain))
		strv_push(&d->cert_domains, buf_cstr(&domain));
}

static void take_removed(struct ipn_decoder *d, const struct jscan_event *ev)
{
	int64_t id;
	d->notify.has_peer_changes = true;
	if (d->peers_ref != NULL && !ev->truncated && jscan_i64(ev->text, ev->len, &id))
		peers_remove(d->peers_ref, id);
}

static void take_bool(bool *out, const struct jscan_event *ev)
{
	if (!ev->truncated && !jscan_bool(ev->text, ev->len, out))
		*out = false;
}

static void take_value(struct ipn_decoder *d, const struct jscan_event *ev)
{
	struct err ignored;
	bool is_null = !ev->truncated && jscan_is_null(ev->text, ev->len);
	if (is_null)
		return;
	switch ((enum rule)ev->id) {
	case R_STATE:
		take_state(d, ev);
		break;
	case R_ERROR:
		if (take_text(ev, &d->error))
			d->notify.error_message = buf_cstr(&d->error);
		break;
	case R_URL:
		if (take_text(ev, &d->url))
			d->notify.browse_to_url = buf_cstr(&d->url);
		break;
	case R_LOGIN_FINISHED:
		d->notify.login_finished = true;
		break;
	case R_SELF_CHANGE:
		d->notify.has_self_change = true;
		if (!ev->truncated && selfnode_from_node(&d->self_change, ev->text, ev->len, &ignored) < 0)
			selfnode_fini(&d->self_change);
		break;
	case R_PEERS_REMOVED:
		take_removed(d, ev);
		break;
	case R_WARNING:
		take_warning(d, ev);
		break;
	case R_WANT_RUNNING:
		d->notify.has_prefs = true;
		take_bool(&d->notify.want_running, ev);
		break;
	case R_LOGGED_OUT:
		take_bool(&d->notify.logged_out, ev);
		break;
	case R_NODE_ID:
		d->notify.has_node_id = !ev->truncated && ev->len > 2;
		break;
	case R_BACKEND_STATE:
		/* Always there in a status, so it stands for the whole. */
		d->notify.has_initial_status = true;
		d->notify.has_cert_domains = true;
		take_backend_state(d, ev);
		break;
	case R_AUTH_URL:
		if (take_text(ev, &d->auth_url) && d->auth_url.len > 0)
			d->notify.auth_url = buf_cstr(&d->auth_url);
		break;
	case R_CERT_DOMAIN:
		take_cert_domain(d, ev);
		break;
	case R_SELF:
		if (!ev->truncated && selfnode_from_status(&d->self_status, ev->text, ev->len, &ignored) < 0)
			selfnode_fini(&d->self_status);
		break;
	case R_NODE_PEER_ID:
	case R_STATUS_PEER_ID:
		ipn_peer_take_id(&d->peer, ev);
		break;
	case R_NODE_PEER_NAME:
	case R_STATUS_PEER_NAME:
		ipn_peer_take_name(&d->peer, ev);
		break;
	case R_NODE_PEER_ADDRESS:
	case R_STATUS_PEER_ADDRESS:
		ipn_peer_take_address(&d->peer, ev);
		break;
	case R_NODE_PEER_ROUTE:
	case R_STATUS_PEER_ROUTE:
		ipn_peer_take_route(&d->peer, ev);
		break;
	case R_PEERS_CHANGED:
	case R_PEER_PATCH:
	case R_HEALTH:
	case R_STATUS_PEER:
		break; /* marks */
	}
}

static void take_begin(struct ipn_decoder *d, int id)
{
	if (id == R_PEERS_CHANGED || id == R_PEER_PATCH)
		d->notify.has_peer_changes = true;
	else if (id == R_HEALTH)
		d->health_is_told = true;
	if (id == R_PEERS_CHANGED || id == R_STATUS_PEER)
		ipn_peer_reset(&d->peer);
	if (id == R_STATUS_PEER && d->peers_ref != NULL && !d->status_has_peers) {
		d->status_has_peers = true;
		peers_begin_full(d->peers_ref);
	}
}

static void take_end(struct ipn_decoder *d, const struct jscan_event *ev)
{
	bool is_peer = ev->id == R_PEERS_CHANGED || ev->id == R_STATUS_PEER;
	if (is_peer && d->peers_ref != NULL)
		ipn_peer_offer(&d->peer, d->peers_ref);
}

static void message_done(struct ipn_decoder *d)
{
	d->notify.has_health = d->health_is_told;
	if (d->status_has_peers)
		peers_end_full(d->peers_ref);
	d->health_is_told = false;
	/* A change is newer than the status in the same message. */
	if (d->self_change.known)
		d->notify.self = &d->self_change;
	else if (d->self_status.known)
		d->notify.self = &d->self_status;
	d->fn(d->arg, &d->notify);
	message_reset(d);
}

static int on_event(void *arg, const struct jscan_event *ev, struct err *e)
{
	struct ipn_decoder *d = arg;
	(void)e;
	switch (ev->kind) {
	case JSCAN_GOT_VALUE:
		take_value(d, ev);
		break;
	case JSCAN_GOT_BEGIN:
		take_begin(d, ev->id);
		break;
	case JSCAN_GOT_END:
		take_end(d, ev);
		break;
	case JSCAN_GOT_DOCUMENT:
		message_done(d);
		break;
	}
	return 0;
}

struct ipn_decoder *ipn_decoder_new(struct peers *peers, ipn_decode_fn fn, void *arg)
{
	struct ipn_decoder *d = xcalloc(1, sizeof(*d));
	bool wants = peers != NULL && peers_wants_any(peers);
	d->peers_ref = wants ? peers : NULL;
	d->fn = fn;
	d->arg = arg;
	d->error = BUF_INIT(TEXT_MAX);
	d->url = BUF_INIT(TEXT_MAX);
	d->auth_url = BUF_INIT(TEXT_MAX);
	d->scan = jscan_new(rules, wants ? ARRAY_LEN(rules) : RULES_WITHOUT_PEERS, CAPTURE_MAX, on_event, d);
	message_reset(d);
	return d;
}

void ipn_decoder_free(struct ipn_decoder *d)
{
	if (d == NULL)
		return;
	message_reset(d);
	jscan_free(d->scan);
	buf_fini(&d->error);
	buf_fini(&d->url);
	buf_fini(&d->auth_url);
	strv_fini(&d->cert_domains);
	ipn_peer_fini(&d->peer);
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
