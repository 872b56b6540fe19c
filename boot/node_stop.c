#include "boot/supervisor_internal.h"

#include "boot/config/confwatch.h"
#include "boot/daemon/daemon.h"
#include "boot/daemon/daemon_events.h"
#include "boot/datapath/datapath.h"
#include "boot/datapath/datapath_events.h"
#include "egress/drain.h"
#include "lib/io/loop.h"
#include "statestore/statestore.h"

void node_stop_begin(struct supervisor *s)
{
	shutdown_begin(&s->shutdown);
	/* Probes go on until the end of a node that served; one that never did disappears at
	 * once. */
	if (s->drain != NULL)
		drain_stop(s->drain);
	if (!s->startup_complete)
		listeners_close(&s->listeners);
	timer_stop(&s->boot_deadline);
	publish_stop(&s->publish);
	confwatch_free(s->confwatch);
	s->confwatch = NULL;
	login_stop(&s->login);
	store_recovery_pause(&s->recovery);
	heartbeat_stop(&s->heartbeat);
	renewal_stop(&s->renewal);
	if (s->daemon != NULL && daemon_is_up(s->daemon))
		shutdown_withdraw(
			&s->shutdown, &s->publish, s->bus.facts.ipn_state == IPN_STATE_RUNNING);
	else
		node_post(s, NODE_EVENT_STOP_STEP);
}

void node_stop_await_state(struct supervisor *s)
{
	bool has_daemon = s->daemon != NULL && daemon_has_process(s->daemon);
	/* A daemon that has ended must not be restarted meanwhile. */
	if (s->daemon != NULL && !has_daemon)
		daemon_stop(s->daemon, 0);
	if (!shutdown_await_state(&s->shutdown, s->store.store, has_daemon))
		node_post(s, NODE_EVENT_STOP_STEP);
}

void node_stop_end_daemon(struct supervisor *s)
{
	shutdown_stop_clock(&s->shutdown);
	bus_stop(&s->bus);
	if (s->store.store != NULL)
		statestore_cancel_waits(s->store.store);
	if (s->daemon != NULL)
		shutdown_stop_daemon(&s->shutdown, s->daemon);
	else
		node_post(s, NODE_EVENT_DAEMON_STOPPED);
}

void node_stop_remove_rules(struct supervisor *s)
{
	node_store_cancel_set_up(&s->store);
	if (!shutdown_remove_rules(&s->shutdown, s->datapath))
		node_post(s, NODE_EVENT_STOP_STEP);
}

void node_stop_finish(struct supervisor *s)
{
	timer_stop(&s->boot_deadline);
	shutdown_stop_clock(&s->shutdown);
	node_store_cancel_set_up(&s->store);
	if (s->store.store != NULL)
		statestore_cancel_waits(s->store.store);
	if (s->daemon != NULL && daemon_has_process(s->daemon))
		log_event(EV_DAEMON_SIGNAL_FAILED, "it has not ended after SIGKILL");
	if (s->datapath != NULL && datapath_is_removing(s->datapath))
		log_event(EV_DATAPATH_REMOVE_FAILED, "there is no time left");
	loop_stop(s->loop);
}
