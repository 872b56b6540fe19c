#include "boot/datapath/datapath_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "boot/datapath/datapath_events.h"
#include "boot/settings/times.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/localapi/ipnbus.h"
#include "lib/localapi/peers.h"
#include "lib/localapi/records.h"
#include "lib/nft/nft.h"

/* Rulesets built without a pause after a change. When more follow, as with peers that change all
 * the time, there is a pause between two, until there was no change for QUIET_MS. */
#define BURST_MAX 8
#define QUIET_MS 1000

static void build(void *arg);

static void build_soon(struct datapath *d)
{
	d->is_build_pending = true;
	if (!d->is_started || d->is_applying || timer_is_armed(&d->netmap_wait))
		return;
	uint32_t pause_ms = d->burst < BURST_MAX ? 0 : d->with.times->debounce_ms;
	timer_start_at(&d->build, d->built_ms + pause_ms);
}

static void count_build(struct datapath *d)
{
	uint64_t now_ms = clock_now_ms();
	d->burst = now_ms - d->built_ms < QUIET_MS ? d->burst + 1 : 1;
	d->built_ms = now_ms;
}

/* All peers are reported only at the begin of a subscription. */
static void ask_for_netmap(struct datapath *d)
{
	if (!peers_wants_any(d->with.peers))
		return;
	d->has_netmap = false;
	/* Wants that keep changing delay nothing for longer than one wait. */
	if (!timer_is_armed(&d->netmap_wait))
		timer_start(&d->netmap_wait, d->with.times->netmap_wait_ms);
	ipnbus_restart(d->with.bus);
}

/* The peers are requested only when one is wanted: nothing is kept of unwanted ones. */
static void refresh_wants(struct datapath *d)
{
	struct strv names = {0};
	struct nft_addresses routes = {0};
	datapath_features_wants(&d->features, d->with.records, &names, &routes);
	(void)records_want(d->with.records, &names);
	(void)peers_want(d->with.peers, &names, routes.items, routes.len);
	if (datapath_wants_adopt(&d->wants, &names, &routes))
		ask_for_netmap(d);
}

static void on_feature_changed(void *arg)
{
	struct datapath *d = arg;
	if (!d->is_started)
		return;
	refresh_wants(d);
	build_soon(d);
}

/* The daemon does not report them: features that do not need peers continue. */
static void on_netmap_missing(void *arg)
{
	build_soon(arg);
}

static void on_impossible_due(void *arg)
{
	struct datapath *d = arg;
	d->events.on_impossible(d->events.arg, &d->why_impossible);
}

/* The callback may end the process, and free this module: it must not run in the middle of a
 * build. */
static void report_impossible(struct datapath *d, const struct err *why)
{
	d->why_impossible = *why;
	timer_start(&d->impossible, 0);
}

static void handle_failure(struct datapath *d, const struct nft_result *result, const struct err *e)
{
	datapath_report_failure(&d->report, e);
	d->is_build_pending = true;
	timer_start(&d->retry, backoff_next(&d->backoff));
	if (!err_is_transient(result->code))
		report_impossible(d, e);
}

static void on_repaired(void *arg, const struct nft_result *result, const struct err *e)
{
	struct datapath *d = arg;
	if (result->code >= 0) {
		datapath_report_repaired(&d->report, result);
		return;
	}
	datapath_report_lost(&d->report, e);
	handle_failure(d, result, e);
}

/* Begins once there are tables of ours to watch. */
static void watch(struct datapath *d)
{
	struct err e;
	if (d->is_watching)
		return;
	d->is_watching = nft_watch(d->nft, on_repaired, d, &e) == 0;
	if (!d->is_watching)
		datapath_report_not_watched(&d->report, &e);
}

/* Once is enough: a service that is added later holds up its own traffic alone. */
static void update_answered(struct datapath *d)
{
	if (d->ready_for.known && egress_answers_allow_all(&d->answers.targets))
		d->targets_answered = true;
}

static void on_answers(void *arg)
{
	struct datapath *d = arg;
	update_answered(d);
	datapath_features_answered(&d->features);
	d->events.on_answered(d->events.arg);
}

static void handle_success(struct datapath *d, const struct nft_result *result)
{
	backoff_reset(&d->backoff);
	datapath_report_applied(&d->report, result);
	watch(d);
	if (d->share != DATAPATH_SHARE_WHOLE)
		return;
	selfnode_copy(&d->ready_for, &d->asked_for);
	update_answered(d);
	d->events.on_ready(d->events.arg);
}

static void on_applied(void *arg, const struct nft_result *result, const struct err *e)
{
	struct datapath *d = arg;
	d->is_applying = false;
	if (!d->is_started)
		return;
	if (d->share != DATAPATH_SHARE_HELD)
		datapath_features_applied(&d->features, result, e);
	if (result->code < 0)
		handle_failure(d, result, e);
	else
		handle_success(d, result);
	if (d->is_build_pending && !timer_is_armed(&d->retry))
		build_soon(d);
}

static void build(void *arg)
{
	struct datapath *d = arg;
	struct nft_wanted w;
	struct err e;
	/* Each of these triggers a build when it ends. */
	if (!d->is_started || d->is_applying || timer_is_armed(&d->netmap_wait) ||
		d->self.address_count == 0)
		return;
	timer_stop(&d->retry);
	timer_stop(&d->build);
	d->is_build_pending = false;
	count_build(d);
	d->peers_seen = peers_generation(d->with.peers);
	selfnode_copy(&d->asked_for, &d->self);
	d->share = datapath_collect(d, &w, &e);
	if (d->share == DATAPATH_SHARE_IMPOSSIBLE)
		report_impossible(d, &e);
	datapath_answers_want(&d->answers, &w);
	d->is_applying = true;
	nft_apply(d->nft, &w, on_applied, d);
}

/* Other programs may switch it off or on. */
static void look_at_forwarding(void *arg)
{
	struct datapath *d = arg;
	timer_start(&d->forwarding_look, d->with.times->forwarding_look_ms);
	if (datapath_forwarding_has_changed(&d->forwarding))
		build_soon(d);
}

struct datapath *datapath_new(const struct datapath_partners *partners,
	const struct datapath_events *events, struct err *e)
{
	struct datapath_host host = {0};
	struct nft_backend *backend =
		datapath_host_open(partners->settings, partners->loop, &host, e);
	if (backend == NULL)
		return NULL;
	struct datapath *d = xcalloc(1, sizeof(*d));
	d->with = *partners;
	d->events = *events;
	d->report.conditions_ref = partners->conditions;
	d->host = host;
	d->nft = nft_new(partners->loop, backend);
	d->owner = datapath_host_owner(partners->settings);
	datapath_answers_init(&d->answers, partners, on_answers, d);
	introduce_report_lost(&d->answers.introduce, events->on_target_lost, events->arg);
	d->features.answers_ref = &d->answers.targets;
	d->backoff = BACKOFF_INIT(partners->times->retry_base_ms, partners->times->retry_max_ms);
	timer_init(&d->build, partners->loop, build, d);
	timer_init(&d->retry, partners->loop, build, d);
	datapath_forwarding_init(&d->forwarding, partners->settings, partners->conditions);
	timer_init(&d->forwarding_look, partners->loop, look_at_forwarding, d);
	timer_init(&d->impossible, partners->loop, on_impossible_due, d);
	timer_init(&d->netmap_wait, partners->loop, on_netmap_missing, d);
	return d;
}

static void stop_work(struct datapath *d)
{
	d->is_started = false;
	timer_stop(&d->build);
	timer_stop(&d->retry);
	timer_stop(&d->impossible);
	timer_stop(&d->forwarding_look);
	timer_stop(&d->netmap_wait);
	datapath_answers_fini(&d->answers);
	datapath_features_free(&d->features);
}

void datapath_free(struct datapath *d)
{
	if (d == NULL)
		return;
	stop_work(d);
	nft_free(d->nft);
	datapath_wants_fini(&d->wants);
	selfnode_fini(&d->self);
	selfnode_fini(&d->asked_for);
	selfnode_fini(&d->ready_for);
	free(d->owner);
	free(d);
}

void datapath_claim(struct datapath *d)
{
	AUTO(nft_wanted_fini) struct nft_wanted none = {0};
	struct err e;
	datapath_init_wanted(d, &none);
	/* The first rules are tried again, and report a failure themselves. */
	if (nft_claim(d->nft, &none, &e) < 0)
		datapath_report_failure(&d->report, &e);
}

void datapath_start(struct datapath *d, struct statestore *store, char *const *daemon_env)
{
	datapath_answers_begin(&d->answers);
	if (d->is_started) {
		ask_for_netmap(d);
		build_soon(d);
		return;
	}
	d->daemon_env_ref = daemon_env;
	datapath_features_start(&d->features, &d->with, store, on_feature_changed, d);
	d->is_started = true;
	timer_start(&d->forwarding_look, d->with.times->forwarding_look_ms);
	refresh_wants(d);
	build_soon(d);
}

void datapath_update(struct datapath *d, const struct selfnode *self, bool has_netmap)
{
	bool is_changed = !selfnode_same_addresses(&d->self, self);
	selfnode_copy(&d->self, self);
	if (has_netmap && !d->has_netmap) {
		d->has_netmap = true;
		timer_stop(&d->netmap_wait);
		is_changed = true;
	}
	if (!d->is_started)
		return;
	if (records_generation(d->with.records) != d->records_seen) {
		d->records_seen = records_generation(d->with.records);
		refresh_wants(d);
		is_changed = true;
	}
	if (peers_generation(d->with.peers) != d->peers_seen)
		is_changed = true;
	if (self->address_count > 0)
		datapath_features_go(&d->features);
	if (is_changed)
		build_soon(d);
}

void datapath_forget_netmap(struct datapath *d)
{
	d->has_netmap = false;
	datapath_answers_lose(&d->answers);
}

void datapath_watch_targets(struct datapath *d)
{
	introduce_watch(&d->answers.introduce);
}

bool datapath_is_ready(const struct datapath *d, const struct selfnode *self)
{
	return d->ready_for.known && selfnode_same_addresses(&d->ready_for, self);
}

bool datapath_was_ready(const struct datapath *d)
{
	return d->ready_for.known;
}

bool datapath_targets_answered(const struct datapath *d)
{
	return d->targets_answered;
}

bool datapath_waits_for_target(const struct datapath *d)
{
	return d->is_started && d->share == DATAPATH_SHARE_WAITING;
}

static void on_removed(void *arg, const struct nft_result *result, const struct err *e)
{
	struct datapath *d = arg;
	if (result->code < 0)
		log_event(EV_DATAPATH_REMOVE_FAILED, e->msg);
	d->is_removing = false;
	d->on_removed(d->removed_arg);
}

void datapath_remove(struct datapath *d, void (*fn)(void *arg), void *arg)
{
	stop_work(d);
	d->on_removed = fn;
	d->removed_arg = arg;
	d->is_removing = true;
	nft_remove(d->nft, d->owner, on_removed, d);
}

bool datapath_is_removing(const struct datapath *d)
{
	return d->is_removing;
}
