/*
 * The steady state: what the node is told to be is published, served and shown; the first time
 * all of it stands, the start-up is complete.
 */
#include "boot/supervisor.h"

#include <stdlib.h>

#include "boot/boot_events.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/datapath/datapath.h"
#include "boot/host/sd_notify.h"
#include "boot/settings/settings.h"
#include "boot/settings/times.h"
#include "health/health.h"
#include "ingress/advertise.h"
#include "ingress/certs.h"
#include "ingress/serve.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/kube/kube.h"
#include "lib/localapi/dns_config.h"
#include "lib/localapi/localapi.h"
#include "statestore/statestore.h"

static void on_serve_accepted(
	void *arg, const struct strv *cert_domains, const struct strv *services)
{
	struct supervisor *s = arg;
	(void)services;
	if (s->settings->cert_share == CERT_SHARE_READ_WRITE)
		certs_want(s->certs, cert_domains);
	advertise_refresh(s->advertise);
}

static void start_watches(struct supervisor *s)
{
	const struct settings *settings = s->settings;
	const struct times *t = s->times;
	if (settings_is_one_step(settings) && s->confwatch == NULL) {
		struct confwatch_options options = {
			settings->config_path, t->debounce_ms, t->retry_base_ms, t->retry_max_ms};
		s->confwatch = confwatch_new(s->loop, s->api, &s->conditions, &options);
	}
	if (settings->serve_config[0] != '\0' && s->serve == NULL) {
		struct serve_options options = {
			settings->serve_config, t->debounce_ms, t->retry_base_ms, t->retry_max_ms};
		s->serve = serve_new(s->loop, s->api,
			s->has_kube_store || s->kube == NULL ? s->store : NULL, &s->conditions,
			&options, on_serve_accepted, s);
	} else if (s->serve != NULL) {
		serve_reapply(s->serve);
	}
}

static void publish(struct supervisor *s)
{
	if (s->secret_is_new)
		node_kube_mark_secret(s);
	s->secret_is_new = false;
	/* The order is the store's business: the id first, so that a device can be cleaned up
	 * whatever follows. */
	if (s->self.stable_id[0] != '\0')
		statestore_set(s->store, STORE_KEY_DEVICE_ID, s->self.stable_id);
	/* Endpoints are told only when they carry traffic. */
	if (s->datapath != NULL && !datapath_is_ready(s->datapath, &s->self))
		return;
	AUTO(mem_free) char *ips = selfnode_format_ips(&s->self);
	statestore_set(s->store, STORE_KEY_DEVICE_FQDN, s->self.fqdn);
	statestore_set(s->store, STORE_KEY_DEVICE_IPS, ips);
}

/* Nor is the node healthy before its rules stood for the first time: who looks sends traffic. After
 * that they follow what changes by themselves. */
static void tell_health(struct supervisor *s)
{
	bool has_addresses = s->self.address_count > 0;
	if (has_addresses && s->datapath != NULL && !datapath_was_ready(s->datapath))
		return;
	health_set_has_addresses(s->health, has_addresses);
}

static void tell_cert_domain(struct supervisor *s)
{
	if (s->serve == NULL || !s->netmap_seen)
		return;
	serve_set_cert_domain(
		s->serve, s->cert_domains.len > 0 ? s->cert_domains.items[0] : SERVE_NO_HTTPS);
}

static void on_dns_config(void *arg, const struct localapi_reply *reply, const struct err *err);

/* A change that comes while an answer is under way may not be in it. */
static void ask_dns_config(struct supervisor *s)
{
	s->dns_config_is_old = s->dns_config != NULL;
	if (s->dns_config == NULL)
		s->dns_config = localapi_dns_config(s->api, on_dns_config, s);
}

static void take_dns_config(struct supervisor *s, const struct localapi_reply *reply)
{
	struct err e;
	if (dns_config_read(reply->body, reply->len, s->records, &s->cert_domains, &e) < 0) {
		log_event(EV_NODE_DNS_CONFIG_FAILED, e.msg);
		return;
	}
	if (s->state != NODE_STATE_STEADY)
		return;
	tell_cert_domain(s);
	if (s->datapath != NULL)
		datapath_update(s->datapath, &s->self, false);
}

static void on_dns_config(void *arg, const struct localapi_reply *reply, const struct err *err)
{
	struct supervisor *s = arg;
	s->dns_config = NULL;
	if (err != NULL)
		log_event(EV_NODE_DNS_CONFIG_FAILED, err->msg);
	else
		take_dns_config(s, reply);
	if (s->dns_config_is_old && s->state == NODE_STATE_STEADY)
		ask_dns_config(s);
}

void steady_check_complete(void *supervisor)
{
	struct supervisor *s = supervisor;
	if (s->startup_complete || s->state != NODE_STATE_STEADY || !s->self.known || s->is_ending)
		return;
	if (s->datapath != NULL && !datapath_is_ready(s->datapath, &s->self))
		return;
	if (!node_kube_is_published(s))
		return;
	s->startup_complete = true;
	timer_stop(&s->boot_deadline);
	log_event(EV_STARTUP_COMPLETE);
	sd_notify_ready(&s->sd_notify, "tailnet node is running");
}

void steady_datapath_ready(void *supervisor)
{
	struct supervisor *s = supervisor;
	if (s->state != NODE_STATE_STEADY || !s->self.known)
		return;
	publish(s);
	tell_health(s);
	steady_check_complete(s);
}

void steady_datapath_impossible(void *supervisor, const struct err *why)
{
	struct supervisor *s = supervisor;
	/* Later it is a condition, which was raised already. */
	if (supervisor_is_booting(s))
		supervisor_end(s, FATAL_BOOT_STEP, "%s", why->msg);
}

static void start_datapath(struct supervisor *s)
{
	if (s->datapath == NULL)
		return;
	extern char **environ;
	char *const *env = s->daemon_env.items != NULL ? s->daemon_env.items : environ;
	bool has_namespace = s->kube != NULL && s->settings->in_kubernetes;
	datapath_start(s->datapath, s->store, has_namespace ? kube_namespace(s->kube) : NULL, env);
}

void steady_update(struct supervisor *s, const struct ipn_notify *n)
{
	if (!s->self.known)
		return;
	/* A message that led here may have made the data path subscribe anew: what its stream told
	 * of peers is not all that is wanted now. */
	bool has_netmap = n != NULL && n->has_initial_status && ipnbus_is_open(s->bus);
	if (s->datapath != NULL)
		datapath_update(s->datapath, &s->self, has_netmap);
	publish(s);
	tell_health(s);
	tell_cert_domain(s);
	/* What was asked for before is older than this. */
	if (n != NULL && n->has_initial_status) {
		localapi_cancel(s->dns_config);
		s->dns_config = NULL;
	}
	if (n != NULL && n->has_self_change) {
		certs_wake(s->certs);
		ask_dns_config(s);
	}
	steady_check_complete(s);
}

void steady_enter(struct supervisor *s)
{
	/* Lost again while the daemon was configured. */
	if (s->ipn_state != IPN_STATE_RUNNING) {
		node_post_ipn_state(s);
		return;
	}
	health_set_running(s->health, true);
	start_watches(s);
	start_datapath(s);
	certs_resume(s->certs);
	advertise_refresh(s->advertise);
	steady_update(s, NULL);
}

void steady_leave(struct supervisor *s)
{
	health_set_running(s->health, false);
	if (s->datapath != NULL)
		datapath_forget_netmap(s->datapath);
	localapi_cancel(s->dns_config);
	s->dns_config = NULL;
	certs_pause(s->certs);
	advertise_forget(s->advertise);
	if (s->serve != NULL)
		serve_pause(s->serve);
}
