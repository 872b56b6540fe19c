#include "boot/supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "boot/boot_conditions.h"
#include "boot/boot_events.h"
#include "boot/datapath/datapath_conditions.h"
#include "boot/host/host_events.h"
#include "boot/login/command.h"
#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/config/daemon_config.h"
#include "boot/datapath/datapath.h"
#include "boot/login/login_conditions.h"
#include "boot/login/login_reason.h"
#include "boot/login/reissue.h"
#include "boot/settings/settings.h"
#include "boot/settings/settings_events.h"
#include "boot/settings/times.h"
#include "egress/drain.h"
#include "health/health.h"
#include "ingress/advertise.h"
#include "ingress/certs.h"
#include "ingress/serve.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/io/fetch.h"
#include "lib/io/httpd.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "lib/kube/kube.h"
#include "lib/localapi/localapi.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "statestore/statestore.h"
#include "statestore/statestore_conditions.h"
#include "statestore/store_kube.h"

bool supervisor_is_booting(const struct supervisor *s)
{
	return !s->startup_complete;
}

static void dispatch(struct supervisor *s, enum node_event event)
{
	struct node_cell cell = node_table_look_up(s->state, event);
	log_event(EV_NODE_TRANSITION, node_state_name(s->state), node_event_name(event),
		node_state_name(cell.next));
	s->state = cell.next;
	node_action_run(s, cell.action);
}

void supervisor_post(struct supervisor *s, enum node_event event)
{
	/* Each action posts a follow-up or two at most; a full queue is a fault of the table. */
	if (s->queue_len == SUPERVISOR_QUEUE_MAX)
		abort();
	s->queue[s->queue_len++] = event;
	if (s->is_dispatching)
		return;
	s->is_dispatching = true;
	while (s->queue_len > 0) {
		enum node_event next = s->queue[0];
		s->queue_len--;
		memmove(s->queue, s->queue + 1, s->queue_len * sizeof(s->queue[0]));
		dispatch(s, next);
	}
	s->is_dispatching = false;
}

void supervisor_end(struct supervisor *s, enum fatal_cause cause, const char *fmt, ...)
{
	const struct fatal_row *row = fatal_row(cause);
	AUTO(mem_free) char *sentence = NULL;
	if (fmt != NULL) {
		va_list args;
		va_start(args, fmt);
		sentence = xvasprintf(fmt, args);
		va_end(args);
	}
	if (s->startup_complete && !row->after_startup) {
		log_event(EV_STEP_FAILED, sentence != NULL ? sentence : row->name);
		return;
	}
	if (s->is_ending)
		return;
	s->is_ending = true;
	s->end_cause = cause;
	if (row->is_failure)
		s->end_sentence = STEAL(sentence);
	supervisor_post(s, NODE_EVENT_STOP);
}

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
	supervisor_end(s, FATAL_STOP_REQUESTED, NULL);
}

static bool is_resetting(const struct supervisor *s)
{
	return s->state == NODE_STATE_KUBE_SETUP && s->store != NULL;
}

/* The newest reason why the state of the node's table has not been left, "" when there is none. */
static const char *deadline_reason(const struct supervisor *s)
{
	const struct condition_set *set = &s->conditions;
	if (s->kube_setup != NULL)
		return store_kube_setup_last_error(s->kube_setup);
	if (s->state == NODE_STATE_STEADY && condition_is_raised(set, CONDITION_FIREWALL_FAILED))
		return condition_get(set, CONDITION_FIREWALL_FAILED)->reason;
	if (is_resetting(s) || s->state == NODE_STATE_STEADY)
		return condition_get(set, CONDITION_STORE_WRITE_FAILED)->reason;
	if (s->state != NODE_STATE_LOGIN && s->state != NODE_STATE_AUTH)
		return "";
	const struct condition *c = condition_first_raised(set, CONDITION_GROUP_LOGIN);
	return c != NULL ? c->reason : "";
}

static void on_boot_deadline(void *arg)
{
	struct supervisor *s = arg;
	enum node_deadline rule = node_state_deadline(s->state);
	bool waits =
		s->is_waiting_for_human || (s->state == NODE_STATE_STEADY && s->datapath != NULL &&
						   datapath_waits_for_target(s->datapath));
	bool counts =
		rule == NODE_DEADLINE_ALWAYS || (rule == NODE_DEADLINE_UNLESS_OTHERS && !waits);
	if (!counts) {
		/* What follows the pause gets the whole time again. */
		if (!node_state_is_stopping(s->state) && s->settings->boot_timeout_ms > 0)
			timer_start(&s->boot_deadline, s->settings->boot_timeout_ms);
		return;
	}
	const char *reason = deadline_reason(s);
	const char *colon = reason[0] != '\0' ? ": " : "";
	/* The socket's sentence names the time-out itself. */
	if (s->state == NODE_STATE_DAEMON)
		supervisor_end(s, FATAL_BOOT_DEADLINE, "%s", node_state_deadline_text(s->state));
	else if (is_resetting(s))
		supervisor_end(s, FATAL_BOOT_DEADLINE,
			"error clearing previous state from Secret: context deadline exceeded%s%s",
			colon, reason);
	else
		supervisor_end(s, FATAL_BOOT_DEADLINE, "%s: context deadline exceeded%s%s",
			node_state_deadline_text(s->state), colon, reason);
}

static void init_timers(struct supervisor *s)
{
	timer_init(&s->boot_deadline, s->loop, on_boot_deadline, s);
	timer_init(&s->retry, s->loop, node_retry_login, s);
	timer_init(&s->refusal, s->loop, node_refusal_due, s);
	timer_init(&s->stop_budget, s->loop, shutdown_budget_spent, s);
	s->login_backoff =
		BACKOFF_INIT(s->times->login_retry_base_ms, s->times->login_retry_max_ms);
}

static void init_bus(struct supervisor *s)
{
	struct ipnbus_times times = {
		.retry_base_ms = s->times->bus_retry_base_ms,
		.retry_max_ms = s->times->bus_retry_max_ms,
		.stall_ms = s->times->bus_stall_ms,
	};
	struct ipnbus_events events = {node_bus_opened, node_bus_notify, node_bus_lost, s};
	s->peers = peers_new();
	s->records = records_new();
	s->bus = ipnbus_new(s->loop, s->api, s->peers, &times, &events);
	ipnbus_set_records(s->bus, s->records);
}

static void init_features(struct supervisor *s)
{
	struct health_options health = {
		.pod_ipv4 = s->settings->pod_ipv4,
		.pod_ipv6 = s->settings->pod_ipv6,
		.debug_addr_port = s->settings->debug_addr_port,
	};
	struct advertise_options advertise = {
		.automatic = s->settings->service_auto_advertisement,
		.settle_ms = s->times->withdraw_settle_ms,
		.retry_base_ms = s->times->retry_base_ms,
		.retry_max_ms = s->times->retry_max_ms,
	};
	s->httpd = httpd_new(s->loop);
	s->health = health_new(s->fetcher, s->api, &health);
	s->advertise = advertise_new(s->loop, s->api, &s->conditions, &advertise);
	s->certs = certs_new(s->loop, s->api, &s->conditions);
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
		.settle_ms = t->drain_settle_ms,
		.ping_timeout_ms = t->drain_ping_timeout_ms,
		.unreachable_limit = DRAIN_UNREACHABLE_LIMIT,
	};
	if (settings->egress_proxies_config_path[0] != '\0')
		s->drain = drain_new(s->loop, s->fetcher, s->resolver, &options);
}

/* First of all that may fail: without a firewall such a node carries nothing. */
static int init_datapath(struct supervisor *s, struct err *e)
{
	struct datapath_partners partners = {
		.loop = s->loop,
		.resolver = s->resolver,
		.conditions = &s->conditions,
		.peers = s->peers,
		.records = s->records,
		.bus = s->bus,
		.settings = s->settings,
		.times = s->times,
	};
	struct datapath_events events = {steady_datapath_ready, steady_datapath_impossible, s};
	if (!settings_is_l3_proxy(s->settings))
		return 0;
	s->datapath = datapath_new(&partners, &events, e);
	return s->datapath != NULL ? 0 : e->code;
}

static void init_credentials(struct supervisor *s)
{
	const struct settings *settings = s->settings;
	struct err unreadable;
	if (settings_is_one_step(settings) &&
		daemon_config_load(settings->config_path, &s->config_authkey, &unreadable) < 0)
		secret_fini(&s->config_authkey);
	mask_add(&s->mask, &settings->authkey);
	mask_add(&s->mask, &settings->client_secret);
	mask_add(&s->mask, &settings->id_token);
	mask_add(&s->mask, &s->config_authkey);
	s->has_extra_credentials = mask_add_arguments(&s->mask, settings->extra_args);
}

int supervisor_init(struct supervisor *s, const struct settings *settings, struct err *e)
{
	*s = (struct supervisor){
		.settings = settings,
		.times = times_get(settings->test_fast),
		.ipn_state = IPN_STATE_UNKNOWN,
		.shown_state = IPN_STATE_UNKNOWN,
	};
	boot_conditions_add(&s->conditions);
	struct err no_manager;
	/* A manager that cannot be told is no reason not to run. */
	if (sd_notify_init(&s->sd_notify, &no_manager) < 0)
		log_event(EV_SETTINGS_WARNING, no_manager.msg);
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
	s->api = localapi_new(s->loop, s->fetcher, settings->socket);
	init_timers(s);
	init_bus(s);
	init_features(s);
	init_drain(s);
	init_credentials(s);
	return init_datapath(s, e);
}

int supervisor_run(struct supervisor *s)
{
	struct err e;
	timer_start(&s->boot_deadline, s->settings->boot_timeout_ms);
	/* Children that were ours before an exec, and orphans that ended before the signals
	 * were watched. */
	proc_table_reap(s->procs);
	supervisor_post(s, NODE_EVENT_BEGIN);
	if (loop_run(s->loop, &e) < 0) {
		s->end_cause = FATAL_LOOP;
		free(s->end_sentence);
		s->end_sentence = xstrdup(e.msg);
	}
	if (s->end_sentence != NULL) {
		log_event(EV_FATAL, s->end_sentence);
		fatal_write_termination(s->settings->termination_log, s->end_sentence);
	}
	return fatal_row(s->end_cause)->exit_code;
}

static void free_features(struct supervisor *s)
{
	confwatch_free(s->confwatch);
	reissue_free(s->reissue);
	command_cancel(s->command);
	serve_free(s->serve);
	advertise_free(s->advertise);
	certs_free(s->certs);
	datapath_free(s->datapath);
	drain_free(s->drain);
	health_free(s->health);
	httpd_free(s->httpd);
}

void supervisor_fini(struct supervisor *s)
{
	if (s->procs != NULL) {
		free_features(s);
		timer_stop(&s->boot_deadline);
		timer_stop(&s->retry);
		timer_stop(&s->refusal);
		timer_stop(&s->stop_budget);
		ipnbus_free(s->bus);
		peers_free(s->peers);
		records_free(s->records);
		daemon_free(s->daemon);
		store_kube_setup_cancel(s->kube_setup);
		statestore_free(s->store);
		kube_free(s->kube);
		localapi_free(s->api);
		proc_table_free(s->procs);
	}
	resolver_free(s->resolver);
	fetcher_free(s->fetcher);
	signals_close(s->signals);
	loop_free(s->loop);
	secret_fini(&s->stored_authkey);
	secret_fini(&s->config_authkey);
	mask_fini(&s->mask);
	selfnode_fini(&s->self);
	strv_fini(&s->cert_domains);
	strv_wipe(&s->daemon_env);
	free(s->end_sentence);
	free(s->login_failure);
	sd_notify_fini(&s->sd_notify);
	condition_set_fini(&s->conditions);
}
