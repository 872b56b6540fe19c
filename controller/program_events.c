#include "controller/program_internal.h"

#include <signal.h>
#include <string.h>

#include "controller/cleanup.h"
#include "controller/cli.h"
#include "controller/cluster/cluster.h"
#include "controller/cluster/egress_group_view.h"
#include "controller/controller_events.h"
#include "controller/egress/egress.h"
#include "controller/engine/engine_lease.h"
#include "controller/metrics.h"
#include "controller/proxygroup/proxygroup.h"
#include "controller/settings/settings.h"
#include "controller/upstream.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/contract/egress_config.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/kube/kube.h"

/* For requests under way to end before the Lease is given away. */
#define DRAIN_STEP_MS 50
#define DRAIN_MAX_MS 5000

void program_end(struct program *p, int exit_code)
{
	p->exit_code = exit_code;
	loop_stop(p->loop);
}

static void stop(struct program *p)
{
	p->is_stopping = true;
	engine_work_hold(p->work, true);
	timer_start(&p->drain, 0);
}

void program_on_signal(void *arg, int signo)
{
	struct program *p = arg;
	if (signo == SIGCHLD) {
		proc_table_reap(p->procs);
		return;
	}
	/* The first stop counts. */
	if ((signo != SIGTERM && signo != SIGINT) || p->is_stopping)
		return;
	log_event(EV_CONTROLLER_STOPPING, signo == SIGTERM ? "SIGTERM" : "SIGINT");
	p->start_ms = clock_now_ms();
	stop(p);
}

/* start_ms is that of the stop now. */
void program_on_drained(void *arg)
{
	struct program *p = arg;
	bool is_late = clock_now_ms() - p->start_ms >= DRAIN_MAX_MS;
	if (engine_work_running(p->work) > 0 && !is_late)
		timer_start(&p->drain, DRAIN_STEP_MS);
	else if (p->lease != NULL)
		engine_lease_release(p->lease);
	else
		program_end(p, CLI_EXIT_OK);
}

void program_on_released(void *arg)
{
	program_end(arg, CLI_EXIT_OK);
}

void program_on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	struct program *p = arg;
	engine_work_add(p->work, kind, ns, name);
}

void program_on_tailnet(void *arg, const char *tailnet)
{
	program_on_key(arg, CLUSTER_KEY_TAILNET, "", tailnet);
}

void program_update_hold(struct program *p)
{
	bool is_ready = cluster_is_synced(p->cluster) && program_leads(p) && !p->is_stopping;
	/* The one who led before may still write for a while. */
	bool waits = p->cleanup != NULL && !cleanup_may_begin(p->cleanup);
	engine_work_hold(p->work, !is_ready || waits);
}

void program_on_synced(void *arg)
{
	struct program *p = arg;
	log_event(EV_CONTROLLER_SYNCED, (unsigned long long)(clock_now_ms() - p->start_ms));
	engine_work_add(p->work, EGRESS_KEY_SWEEP, "", EGRESS_SWEEP_NAME);
	program_update_hold(p);
}

bool program_has_upstream(void *arg)
{
	const struct program *p = arg;
	return upstream_is_there(p->upstream);
}

void program_on_watch_trouble(void *arg, const struct kube_resource *resource,
	enum kube_outcome outcome, const struct err *err)
{
	struct program *p = arg;
	const char *name = kube_outcome_name(outcome);
	metrics_add(p->metrics, METRIC_WATCH_RESTARTS, 1, "kind=\"%s\",cause=\"%s\"",
		resource->kind, name);
	log_event(EV_WATCH_TROUBLE, resource->plural, name, err != NULL ? err->msg : "");
}

void program_on_control_answer(void *arg, const char *tailnet, const char *operation, int status)
{
	struct program *p = arg;
	metrics_add(p->metrics, METRIC_CONTROL_REQUESTS, 1, "tailnet=\"%s\",op=\"%s\",code=\"%d\"",
		tailnet, operation, status);
}

void program_on_permissions(
	void *arg, bool is_cluster_wide, const struct strv *missing, const struct err *err)
{
	(void)arg;
	if (err != NULL)
		log_event(EV_PERMISSIONS_UNKNOWN, err->msg);
	for (size_t i = 0; i < missing->len; i++)
		log_event(EV_PERMISSIONS_MISSING, is_cluster_wide ? "ClusterRole" : "Role",
			missing->items[i]);
}

void program_on_lease(void *arg, bool leads)
{
	struct program *p = arg;
	if (leads) {
		log_event(EV_LEASE_LEADS, p->candidate);
		program_update_hold(p);
		return;
	}
	log_event(EV_LEASE_LOST);
	engine_work_hold(p->work, true);
	program_end(p, CLI_EXIT_LEASE_LOST);
}

void program_on_lease_trouble(void *arg, const struct err *err)
{
	(void)arg;
	log_event(EV_LEASE_TROUBLE, err->msg);
}

bool program_leads(const struct program *p)
{
	return p->lease == NULL || engine_lease_may_write(p->lease);
}

bool program_may_write(void *arg)
{
	return program_leads(arg);
}

static const char *result_name(enum engine_result result)
{
	static const char *const names[] = {
		[ENGINE_DONE] = "done",
		[ENGINE_AGAIN] = "again",
		[ENGINE_FAILED] = "failed",
		[ENGINE_STUCK] = "stuck",
	};
	return names[result];
}

void program_on_handled(void *arg, const char *kind, const char *ns, const char *name,
	enum engine_result result, uint64_t took_ms, const struct err *err)
{
	struct program *p = arg;
	AUTO(mem_free) char *key = xasprintf("%s%s%s", ns, ns[0] != '\0' ? "/" : "", name);
	metrics_add(p->metrics, METRIC_RECONCILES, 1, "kind=\"%s\",result=\"%s\"", kind,
		result_name(result));
	metrics_add(p->metrics, METRIC_RECONCILE_MS, took_ms, "kind=\"%s\"", kind);
	/* Of a failure the engine has said what there is to say. */
	if (err == NULL)
		log_event(EV_KEY_HANDLED, kind, key, (unsigned long long)took_ms);
}

const char *program_not_ready(void *arg)
{
	const struct program *p = arg;
	if (p->is_stopping)
		return "stopping";
	return cluster_is_synced(p->cluster) ? NULL : "the caches are not complete yet";
}

/* Of the ports of egress Services, by group. */
static void collect_ports(struct program *p)
{
	const struct kube_cache *groups = cluster_cache(p->cluster, CLUSTER_PROXY_GROUPS);
	const struct kube_entry *group;
	for (size_t i = 0; (group = kube_cache_at(groups, i)) != NULL; i++) {
		const struct egress_config *config = egress_group_written(p->cluster, group->name);
		uint64_t count = 0;
		for (size_t j = 0; config != NULL && j < config->count; j++)
			count += config->services[j].port_count;
		metrics_set(p->metrics, METRIC_EGRESS_PORTS, count, "group=\"%s\"", group->name);
	}
}

void program_collect(void *arg)
{
	struct program *p = arg;
	struct proxygroup_counts counts = proxygroup_counts(p->proxygroup);
	collect_ports(p);
	metrics_set(p->metrics, METRIC_REISSUES, counts.replaced, "%s", "");
	metrics_set(p->metrics, METRIC_DEVICES_DELETED, counts.deleted, "%s", "");
	metrics_set(p->metrics, METRIC_QUEUE_DEPTH, engine_work_ready(p->work), "%s", "");
	metrics_set(p->metrics, METRIC_KUBE_REQUESTS, kube_request_count(p->kube_ref), "%s", "");
	metrics_set(p->metrics, METRIC_LEADER, program_may_write(p) ? 1 : 0, "%s", "");
	metrics_set(p->metrics, METRIC_LONGEST_TURN_MS,
		loop_longest_turn_ns(p->loop) / CLOCK_NS_PER_MS, "%s", "");
}
