#include "boot/publish/publish.h"

#include <string.h>

#include "boot/bus/bus.h"
#include "boot/datapath/datapath.h"
#include "boot/publish/publish_events.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "boot/store/node_store.h"
#include "health/health.h"
#include "ingress/advertise.h"
#include "ingress/certs.h"
#include "ingress/serve.h"
#include "lib/base/mem.h"
#include "lib/localapi/dns_config.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"

static const struct selfnode *self_of(const struct publish *p)
{
	return &p->partners.bus->facts.self;
}

static void on_serve_accepted(void *arg, const struct serve_plan *accepted)
{
	struct publish *p = arg;
	if (p->partners.settings->cert_share == CERT_SHARE_READ_WRITE)
		certs_want(p->certs, &accepted->cert_domains);
	advertise_withhold(p->advertise, &accepted->withheld);
	advertise_refresh(p->advertise);
}

static void start_serve(struct publish *p)
{
	const struct times *t = p->partners.times;
	struct serve_options options = {p->partners.settings->serve_config, t->debounce_ms,
		t->retry_base_ms, t->retry_max_ms, t->serve_watch_ms};
	if (p->serve != NULL) {
		serve_reapply(p->serve);
		return;
	}
	if (options.path[0] != '\0')
		p->serve = serve_new(p->partners.loop, p->partners.api,
			node_store_for_serve(p->partners.store), p->partners.conditions, &options,
			on_serve_accepted, p);
}

static void publish_identity(struct publish *p)
{
	const struct selfnode *self = self_of(p);
	struct statestore *store = p->partners.store->store;
	node_store_mark(p->partners.store);
	/* The store orders the writes: the id first, so that a device can be cleaned up in any
	 * case. */
	if (self->stable_id[0] != '\0')
		statestore_set(store, STORE_KEY_DEVICE_ID, self->stable_id);
	/* Endpoints are published only when they carry traffic. */
	if (p->partners.datapath != NULL && !datapath_is_ready(p->partners.datapath, self))
		return;
	AUTO(mem_free) char *ips = selfnode_format_ips(self);
	statestore_set(store, STORE_KEY_DEVICE_FQDN, self->fqdn);
	statestore_set(store, STORE_KEY_DEVICE_IPS, ips);
}

/* Nor is the node healthy before its rules were applied for the first time: a healthy node gets
 * traffic. After that the rules follow changes by themselves. */
static void report_health(struct publish *p)
{
	struct health *health = p->partners.health;
	const struct datapath *datapath = p->partners.datapath;
	if (datapath != NULL) {
		health_set_path_has_stood(health, datapath_was_ready(datapath));
		health_set_targets_answered(health, datapath_targets_answered(datapath));
	}
	health_set_has_addresses(health, self_of(p)->address_count > 0);
}

/* The own name without its first label and its trailing dot. */
static char *suffix_of(const char *fqdn)
{
	const char *dot = fqdn != NULL ? strchr(fqdn, '.') : NULL;
	size_t len = dot != NULL ? strlen(dot + 1) : 0;
	return xstrndup(dot != NULL ? dot + 1 : "", len > 0 && dot[len] == '.' ? len - 1 : len);
}

static void set_cert_domain(struct publish *p)
{
	if (p->serve == NULL || !p->has_netmap)
		return;
	AUTO(mem_free) char *suffix = suffix_of(self_of(p)->fqdn);
	serve_set_suffix(p->serve, suffix);
	serve_set_cert_domain(
		p->serve, p->cert_domains.len > 0 ? p->cert_domains.items[0] : SERVE_NO_HTTPS);
}

static void on_dns_config(void *arg, const struct localapi_reply *reply, const struct err *err);

/* A change during a request may not be in its answer. */
static void ask_dns_config(struct publish *p)
{
	p->dns_config_is_old = p->dns_config != NULL;
	if (p->dns_config == NULL)
		p->dns_config = localapi_dns_config(p->partners.api, on_dns_config, p);
}

static void cancel_dns_config(struct publish *p)
{
	localapi_cancel(p->dns_config);
	p->dns_config = NULL;
}

static void read_dns_config(struct publish *p, const struct localapi_reply *reply)
{
	struct err e;
	if (dns_config_read(
		    reply->body, reply->len, p->partners.bus->records, &p->cert_domains, &e) < 0) {
		log_event(EV_NODE_DNS_CONFIG_FAILED, e.msg);
		return;
	}
	if (!p->is_active)
		return;
	set_cert_domain(p);
	if (p->partners.datapath != NULL)
		datapath_update(p->partners.datapath, self_of(p), false);
}

static void on_dns_config(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct publish *p = arg;
	p->dns_config = NULL;
	if (err != NULL)
		log_event(EV_NODE_DNS_CONFIG_FAILED, err->msg);
	else
		read_dns_config(p, reply);
	if (p->dns_config_is_old && p->is_active)
		ask_dns_config(p);
}

static void start_datapath(struct publish *p, char *const *daemon_env)
{
	const struct node_store *store = p->partners.store;
	if (p->partners.datapath != NULL)
		datapath_start(p->partners.datapath, store->store, daemon_env);
}

/* n NULL: only the known facts. */
static void update(struct publish *p, const struct ipn_notify *n)
{
	if (!self_of(p)->known)
		return;
	/* This message may have made the data path subscribe anew: the peers of its stream are then
	 * not all that are wanted now. */
	bool has_netmap = n != NULL && n->has_initial_status && bus_is_open(p->partners.bus);
	if (p->partners.datapath != NULL)
		datapath_update(p->partners.datapath, self_of(p), has_netmap);
	publish_identity(p);
	report_health(p);
	set_cert_domain(p);
	/* Earlier requests are older than this. */
	if (n != NULL && n->has_initial_status)
		cancel_dns_config(p);
	if (n != NULL)
		advertise_look(p->advertise);
	if (n != NULL && n->has_self_change) {
		certs_wake(p->certs);
		ask_dns_config(p);
	}
	p->events.on_progress(p->events.arg);
}

void publish_init(struct publish *p, const struct publish_partners *partners,
	const struct publish_events *events)
{
	struct advertise_options advertise = {
		.automatic = partners->settings->service_auto_advertisement,
		.pause_ms = partners->times->advertise_pause_ms,
		.retry_base_ms = partners->times->retry_base_ms,
		.retry_max_ms = partners->times->retry_max_ms,
	};
	*p = (struct publish){.partners = *partners, .events = *events};
	p->advertise =
		advertise_new(partners->loop, partners->api, partners->conditions, &advertise);
	p->certs = certs_new(partners->loop, partners->api, partners->conditions);
}

void publish_fini(struct publish *p)
{
	localapi_cancel(p->serve_reset);
	localapi_cancel(p->dns_config);
	serve_free(p->serve);
	advertise_free(p->advertise);
	certs_free(p->certs);
	strv_fini(&p->cert_domains);
}

void publish_learn(struct publish *p, const struct ipn_notify *n)
{
	if (n->has_cert_domains)
		strv_copy(&p->cert_domains, n->cert_domains);
	if (n->has_initial_status || n->has_self_change)
		p->has_netmap = true;
}

static void on_serve_reset(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct publish *p = arg;
	(void)reply;
	p->serve_reset = NULL;
	if (err == NULL)
		p->serve_was_reset = true;
	p->events.on_serve_reset(p->events.arg, err);
}

bool publish_reset_serve(struct publish *p)
{
	if (p->partners.settings->serve_config[0] == '\0' || p->serve_was_reset)
		return false;
	log_event(EV_NODE_SERVE_RESET);
	p->serve_reset = localapi_serve_set(p->partners.api, "{}", on_serve_reset, p);
	return true;
}

void publish_enter(struct publish *p, char *const *daemon_env)
{
	p->is_active = true;
	health_set_running(p->partners.health, !p->is_refused);
	start_serve(p);
	start_datapath(p, daemon_env);
	certs_resume(p->certs);
	advertise_refresh(p->advertise);
	update(p, NULL);
}

void publish_update(struct publish *p, const struct ipn_notify *n)
{
	if (p->is_active && ipn_notify_is_relevant(n))
		update(p, n);
}

void publish_set_refused(struct publish *p, bool is_refused)
{
	p->is_refused = is_refused;
	health_set_running(p->partners.health, p->is_active && !is_refused);
}

void publish_pause(struct publish *p)
{
	p->is_active = false;
	health_set_running(p->partners.health, false);
	/* A node that is not running reports no peers, which does not mean that they are gone. */
	if (p->partners.datapath != NULL)
		datapath_forget_netmap(p->partners.datapath);
}

static void cancel_calls(struct publish *p)
{
	localapi_cancel(p->serve_reset);
	p->serve_reset = NULL;
	cancel_dns_config(p);
}

void publish_leave(struct publish *p)
{
	publish_pause(p);
	cancel_calls(p);
	certs_pause(p->certs);
	advertise_forget(p->advertise);
	if (p->serve != NULL)
		serve_pause(p->serve);
}

void publish_stop(struct publish *p)
{
	p->is_active = false;
	cancel_calls(p);
	if (p->serve != NULL)
		serve_pause(p->serve);
}

void publish_withdraw(struct publish *p, uint32_t calls_ms, uint32_t grace_ms,
	void (*fn)(void *arg, const struct err *err), void *arg)
{
	advertise_withdraw(p->advertise, calls_ms, grace_ms, fn, arg);
}

void publish_on_datapath_ready(struct publish *p)
{
	if (!p->is_active || !self_of(p)->known)
		return;
	publish_identity(p);
	report_health(p);
	p->events.on_progress(p->events.arg);
}

void publish_on_targets_answered(struct publish *p)
{
	if (p->is_active && self_of(p)->known)
		report_health(p);
}

bool publish_is_complete(const struct publish *p)
{
	const struct selfnode *self = self_of(p);
	if (!p->is_active || !self->known)
		return false;
	if (p->partners.datapath != NULL && !datapath_is_ready(p->partners.datapath, self))
		return false;
	return node_store_is_published(p->partners.store);
}
