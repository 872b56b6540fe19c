#include "boot/supervisor_internal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot_conditions.h"
#include "boot/boot_events.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/capability.h"
#include "boot/daemon/daemon.h"
#include "boot/datapath/datapath.h"
#include "boot/host/addresses.h"
#include "boot/host/host_conditions.h"
#include "boot/host/tun.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_events.h"
#include "boot/settings/times.h"
#include "config.h"
#include "egress/drain.h"
#include "health/health.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "lib/localapi/localapi.h"

/* For tailscaled to end after the loop has failed. */
#define LAST_TERM_MS 3000
#define LAST_KILL_MS 500

static void on_signal(void *arg, int signo)
{
	struct supervisor *s = arg;
	if (signo == SIGCHLD) {
		proc_table_reap(s->procs);
		return;
	}
	/* The first stop counts; others, and signals that mean nothing to us, are swallowed:
	 * PID 1 must not die of a stray SIGHUP. */
	if ((signo != SIGTERM && signo != SIGINT) || s->is_ending)
		return;
	log_event(EV_NODE_STOP_REQUESTED, signo == SIGTERM ? "SIGTERM" : "SIGINT");
	node_end(s, FATAL_STOP_REQUESTED, NULL);
}

/* Before anything is started: children inherit the environment. */
static int init_ca(struct supervisor *s, struct err *e)
{
	struct ca_bundle_partners partners = {
		.loop = s->loop,
		.conditions = &s->conditions,
		.settings = s->settings,
		.times = s->times,
		.on_newer = node_events_newer_ca,
		.arg = s,
	};
	return ca_bundle_open(&s->ca, &partners, e);
}

static void init_bus(struct supervisor *s)
{
	struct bus_partners partners = {
		.loop = s->loop,
		.api = s->api,
		.conditions = &s->conditions,
		.times = s->times,
	};
	struct bus_events events = node_events_bus(s);
	bus_init(&s->bus, &partners, &events);
}

static void init_heartbeat(struct supervisor *s)
{
	struct heartbeat_options options = {
		.interval_ms = s->times->heartbeat_ms,
		.patience_ms = s->times->heartbeat_patience_ms,
		.mute_limit_ms = s->settings->daemon_mute_timeout_ms,
	};
	struct heartbeat_events events = node_events_heartbeat(s);
	heartbeat_init(&s->heartbeat, s->loop, s->api, &s->conditions, &options, &events);
}

static void init_store(struct supervisor *s)
{
	struct node_store_partners partners = {
		.loop = s->loop,
		.fetcher = s->fetcher,
		.resolver = s->resolver,
		.conditions = &s->conditions,
		.settings = s->settings,
		.times = s->times,
	};
	struct node_store_events events = node_events_store(s);
	node_store_init(&s->store, &partners, &events);
	store_recovery_init(&s->recovery, s->loop, &s->store, node_events_store_back, s);
}

static void on_config_authkey(void *arg, const struct secret *authkey)
{
	struct supervisor *s = arg;
	credentials_mask_config(&s->login.credentials, authkey);
}

/* A file that cannot be read now counts as one without a key: the daemon reports that itself. */
static void init_config(struct supervisor *s)
{
	struct err unreadable;
	if (!settings_is_one_step(s->settings))
		return;
	config_source_init(&s->config, s->settings->config_dir, TAILBOOT_CAPVER,
		s->settings->socket, on_config_authkey, s);
	if (config_source_read(&s->config, &unreadable) < 0)
		err_clear(&unreadable);
}

static void init_login(struct supervisor *s)
{
	struct login_partners partners = {
		.loop = s->loop,
		.procs = s->procs,
		.api = s->api,
		.conditions = &s->conditions,
		.bus = &s->bus,
		.config = settings_is_one_step(s->settings) ? &s->config : NULL,
		.settings = s->settings,
		.times = s->times,
	};
	login_init(&s->login, &partners, node_events_login, s);
}

/* In a test the interfaces are those of the machine. On a host a device of another name belongs to
 * another tailscaled. */
static void init_link_local(struct supervisor *s)
{
	struct err e;
	AUTO(mem_free) char *name = tun_name(s->settings);
	if (name != NULL && strcmp(s->settings->test_root, "/") == 0)
		(void)link_local_open(&s->link_local, s->loop, name, &e);
}

static void init_health(struct supervisor *s)
{
	struct health_options options = {
		.pod_ipv4 = s->settings->pod_ipv4,
		.pod_ipv6 = s->settings->pod_ipv6,
		.debug_addr_port = s->settings->debug_addr_port,
		.conditions = &s->conditions,
		.has_data_path = settings_is_l3_proxy(s->settings),
	};
	listeners_init(&s->listeners, s->loop);
	s->health = health_new(s->fetcher, s->api, &options);
}

static void init_drain(struct supervisor *s)
{
	const struct settings *settings = s->settings;
	const struct times *t = s->times;
	struct drain_options options = {
		.directory = settings->egress_proxies_config_path,
		.pod_ipv4 = settings->pod_ipv4,
		.pod_ipv6 = settings->pod_ipv6,
		.interval_ms = t->drain_interval_ms,
		.grace_ms = t->drain_grace_ms,
		.ping_timeout_ms = t->drain_ping_timeout_ms,
		.unreachable_limit = DRAIN_UNREACHABLE_LIMIT,
	};
	if (settings->egress_proxies_config_path[0] != '\0')
		s->drain = drain_new(s->loop, s->fetcher, s->resolver, &options);
}

void node_look_at_addresses(struct supervisor *s)
{
	char sentence[ADDRESSES_SENTENCE_MAX];
	const char *mode = config_source_netfilter_mode(&s->config);
	enum addresses_verdict verdict = addresses_find(s->settings, mode, sentence);
	if (verdict != ADDRESSES_CLEAR)
		condition_raise(&s->conditions, CONDITION_ADDRESS_IN_TAILNET_RANGE, "%s", sentence);
	else
		condition_clear(&s->conditions, CONDITION_ADDRESS_IN_TAILNET_RANGE);
	s->drops_neighbours = verdict == ADDRESSES_DROPPED;
}

/* First of all that may fail: without a firewall such a node carries nothing. */
static int init_datapath(struct supervisor *s, struct err *e)
{
	struct datapath_partners partners = {
		.loop = s->loop,
		.resolver = s->resolver,
		.conditions = &s->conditions,
		.peers = s->bus.peers,
		.records = s->bus.records,
		.bus = s->bus.stream,
		.api = s->api,
		.settings = s->settings,
		.times = s->times,
	};
	struct datapath_events events = node_events_datapath(s);
	if (!settings_is_l3_proxy(s->settings))
		return 0;
	s->datapath = datapath_new(&partners, &events, e);
	return s->datapath != NULL ? 0 : e->code;
}

static void init_publish(struct supervisor *s)
{
	struct publish_partners partners = {
		.loop = s->loop,
		.api = s->api,
		.conditions = &s->conditions,
		.bus = &s->bus,
		.store = &s->store,
		.health = s->health,
		.datapath = s->datapath,
		.settings = s->settings,
		.times = s->times,
	};
	struct publish_events events = node_events_publish(s);
	publish_init(&s->publish, &partners, &events);
}

static void on_withheld(void *arg)
{
	struct supervisor *s = arg;
	if (!timer_is_armed(&s->withheld))
		timer_start(&s->withheld, CONDITION_LINES_MS);
}

static void on_withheld_due(void *arg)
{
	struct supervisor *s = arg;
	condition_report(&s->conditions);
}

static void init_table(struct supervisor *s)
{
	struct shutdown_events events = node_events_shutdown(s);
	timer_init(&s->boot_deadline, s->loop, node_on_boot_deadline, s);
	timer_init(&s->withheld, s->loop, on_withheld_due, s);
	condition_on_withheld(&s->conditions, on_withheld, s);
	shutdown_init(&s->shutdown, s->loop, s->settings, s->times, &events);
}

static int init_io(struct supervisor *s, struct err *e)
{
	s->loop = loop_new(e);
	if (s->loop == NULL)
		return e->code;
	s->signals = signals_open(s->loop, on_signal, s, e);
	if (s->signals == NULL)
		return e->code;
	s->fetcher = fetcher_new(s->loop, e);
	if (s->fetcher == NULL)
		return e->code;
	s->resolver = resolver_new(s->loop, e);
	if (s->resolver == NULL)
		return e->code;
	s->procs = proc_table_new(s->loop);
	return 0;
}

static int init_modules(struct supervisor *s, struct err *e)
{
	if (init_ca(s, e) < 0)
		return e->code;
	s->api = localapi_new(s->loop, s->fetcher, s->settings->socket);
	init_table(s);
	init_bus(s);
	init_heartbeat(s);
	contacts_init(&s->contacts, s->loop, s->api, s->times->contacts_ms);
	introduce_report_lost(&s->contacts.introduce, node_events_peer_lost, s);
	renewal_init(&s->renewal, s->loop, s->api);
	init_store(s);
	init_login(s);
	init_config(s);
	node_look_at_addresses(s);
	init_link_local(s);
	init_health(s);
	init_drain(s);
	if (init_datapath(s, e) < 0)
		return e->code;
	init_publish(s);
	return 0;
}

struct supervisor *supervisor_new(const struct settings *settings, struct err *e)
{
	struct err no_manager;
	AUTO(supervisor_freep) struct supervisor *s = xcalloc(1, sizeof(*s));
	s->settings = settings;
	s->times = times_get(settings->test_fast);
	boot_conditions_add(&s->conditions);
	condition_set_watch(&s->conditions, node_show_status, s);
	/* A manager that cannot be notified is no reason not to run. */
	if (sd_notify_init(&s->sd_notify, &no_manager) < 0)
		log_event(EV_SETTINGS_WARNING, no_manager.msg);
	if (init_io(s, e) < 0 || init_modules(s, e) < 0)
		return NULL;
	return STEAL(s);
}

/* The process ends, but tailscaled and our rules must not outlive it: another loop carries out the
 * whole stop. Without one, at least tailscaled is ended. */
static void end_after_loop(struct supervisor *s, const struct err *why)
{
	struct err e;
	node_end(s, FATAL_LOOP, "%s", why->msg);
	s->end_cause = FATAL_LOOP;
	free(s->end_sentence);
	s->end_sentence = xstrdup(why->msg);
	if (loop_renew(s->loop, &e) < 0 || loop_run(s->loop, &e) < 0)
		proc_table_end(s->procs, LAST_TERM_MS, LAST_KILL_MS);
}

int supervisor_run(struct supervisor *s)
{
	struct err e;
	timer_start(&s->boot_deadline, s->settings->boot_timeout_ms);
	/* Children that were ours before an exec, and orphans that ended before the signals
	 * were watched. */
	proc_table_reap(s->procs);
	node_post(s, NODE_EVENT_BEGIN);
	node_capability_ask(s);
	if (loop_run(s->loop, &e) < 0)
		end_after_loop(s, &e);
	if (s->end_sentence != NULL) {
		log_event(EV_FATAL, s->end_sentence);
		fatal_write_termination(s->settings->termination_log, s->end_sentence);
	}
	return fatal_row(s->end_cause)->exit_code;
}

/* Modules that use other modules are freed first. */
static void free_modules(struct supervisor *s)
{
	capability_cancel(s->capability);
	confwatch_free(s->confwatch);
	login_fini(&s->login);
	publish_fini(&s->publish);
	datapath_free(s->datapath);
	drain_free(s->drain);
	health_free(s->health);
	listeners_fini(&s->listeners);
	timer_stop(&s->boot_deadline);
	shutdown_stop_clock(&s->shutdown);
	heartbeat_stop(&s->heartbeat);
	contacts_lose(&s->contacts);
	renewal_stop(&s->renewal);
	bus_fini(&s->bus);
	daemon_free(s->daemon);
	store_recovery_pause(&s->recovery);
	node_store_fini(&s->store);
	localapi_free(s->api);
	ca_bundle_fini(&s->ca);
	proc_table_free(s->procs);
	link_local_close(&s->link_local);
	timer_stop(&s->withheld);
}

void supervisor_free(struct supervisor *s)
{
	if (s == NULL)
		return;
	if (s->procs != NULL)
		free_modules(s);
	resolver_free(s->resolver);
	fetcher_free(s->fetcher);
	signals_close(s->signals);
	loop_free(s->loop);
	launch_fini(&s->launch);
	config_source_fini(&s->config);
	free(s->end_sentence);
	sd_notify_fini(&s->sd_notify);
	condition_set_fini(&s->conditions);
	free(s);
}

void supervisor_freep(struct supervisor **s)
{
	supervisor_free(*s);
}
