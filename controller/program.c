#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "config.h"
#include "controller/access.h"
#include "controller/cleanup.h"
#include "controller/cli.h"
#include "controller/cluster/cluster.h"
#include "controller/controller_events.h"
#include "controller/domain.h"
#include "controller/egress/egress.h"
#include "controller/engine/engine_lease.h"
#include "controller/metrics.h"
#include "controller/permissions.h"
#include "controller/planes/planes.h"
#include "controller/probes.h"
#include "controller/program_internal.h"
#include "controller/proxygroup/proxygroup.h"
#include "controller/settings/settings.h"
#include "controller/tailnet/tailnet.h"
#include "controller/upstream.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/io/fetch_http2.h"
#include "lib/io/loop.h"
#include "lib/io/proc.h"
#include "lib/io/resolve.h"
#include "lib/io/signals.h"
#include "lib/kube/kube.h"

#define COMPONENT "tailboot-controller"
#define HOST_NAME_MAX_BYTES 256

static uint32_t divided(const struct program *p, uint64_t period_ms)
{
	return (uint32_t)(period_ms / p->settings_ref->time_divisor);
}

static int open_loop(struct program *p, struct err *e)
{
	p->loop = loop_new(e);
	if (p->loop == NULL)
		return e->code;
	p->procs = proc_table_new(p->loop);
	p->signals = signals_open(p->loop, program_on_signal, p, e);
	p->resolver = p->signals != NULL ? resolver_new(p->loop, e) : NULL;
	p->control_fetcher = p->resolver != NULL ? fetch_http2_new(p->loop, e) : NULL;
	return p->control_fetcher != NULL ? 0 : e->code;
}

static int open_access(struct program *p, struct err *e)
{
	p->access = access_new(p->loop, p->resolver, p->procs, p->settings_ref, e);
	if (p->access == NULL)
		return e->code;
	p->kube_ref = access_kube(p->access);
	p->events = kube_events_new(p->kube_ref, COMPONENT);
	return 0;
}

static void open_cluster(struct program *p)
{
	const struct settings *s = p->settings_ref;
	struct cluster_options cluster = {
		.ns = s->ns,
		.default_tailnet = s->default_tailnet,
		.on_key = program_on_key,
		.on_synced = program_on_synced,
		.resync_ms = divided(p, s->resync_period_ms),
		.on_trouble = program_on_watch_trouble,
		.arg = p,
	};
	p->cluster = cluster_new(&cluster);
	struct planes_options planes = {
		.cluster = p->cluster,
		.fetcher = p->control_fetcher,
		.resolver = p->resolver,
		.proxy = s->https_proxy,
		.no_proxy = s->no_proxy,
		.on_answer = program_on_control_answer,
		.on_change = program_on_tailnet,
		.arg = p,
	};
	p->planes = planes_new(p->loop, p->kube_ref, &planes);
}

static bool is_seen(void *arg, const struct engine_write *write)
{
	const struct program *p = arg;
	const struct kube_target target = {write->resource, write->ns, write->name, NULL};
	return cluster_has_seen(p->cluster, &target, write->uid, write->version);
}

/* How long a deletion waits for a control plane. */
static uint32_t release_s(const struct program *p)
{
	uint32_t timeout_s = divided(p, p->settings_ref->finalizer_timeout_ms) / CLOCK_MS_PER_S;
	bool is_short = p->mode == PROGRAM_CLEANS_UP && timeout_s > CLEANUP_RELEASE_S;
	return is_short ? CLEANUP_RELEASE_S : timeout_s;
}

static void open_features(struct program *p)
{
	const struct settings *s = p->settings_ref;
	struct tailnet_options tailnet = {
		.release_ms = divided(p, s->finalizer_timeout_ms),
		.divisor = (uint32_t)s->time_divisor,
	};
	p->tailnet = tailnet_new(p->loop, p->cluster, p->planes, &tailnet);
	tailnet_feature(p->tailnet, &p->features[0]);
	AUTO(mem_free) char *domain = domain_of_cluster(s->cluster_domain);
	struct proxygroup_options proxygroup = {
		.image = s->proxy_image,
		.firewall_mode = s->firewall_mode,
		.cluster_domain = domain,
		.finalizer_timeout_s = release_s(p),
		.divisor = (uint32_t)s->time_divisor,
	};
	p->proxygroup = proxygroup_new(p->loop, p->cluster, p->planes, &proxygroup);
	proxygroup_feature(p->proxygroup, &p->features[1]);
	struct egress_options egress = {
		.domain = domain,
		.leaves_external_name = s->leave_external_name,
		.is_leaving = p->mode == PROGRAM_CLEANS_UP,
		.has_upstream = program_has_upstream,
		.arg = p,
	};
	p->egress = egress_new(p->cluster, &egress);
	egress_feature(p->egress, &p->features[2]);
	egress_sweep_feature(p->egress, &p->features[3]);
}

static void open_work(struct program *p)
{
	struct engine_work_options work = {
		.at_once = p->settings_ref->at_once,
		.is_seen = is_seen,
		.may_write = program_may_write,
		.on_handled = program_on_handled,
		.arg = p,
	};
	p->work = engine_work_new(
		p->loop, p->kube_ref, p->events, p->features, PROGRAM_FEATURES, &work);
	engine_work_hold(p->work, true);
}

/* "pod_0123456789abcdef": of this process alone. Caller frees. */
static char *candidate_name(const struct settings *s)
{
	char host[HOST_NAME_MAX_BYTES] = "";
	unsigned long long number = 0;
	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	if (getrandom(&number, sizeof(number), 0) < 0)
		number = clock_now_ns();
	return xasprintf("%s_%016llx", s->pod_name[0] != '\0' ? s->pod_name : host, number);
}

static int open_lease(struct program *p, struct err *e)
{
	if (!p->settings_ref->leader_elect)
		return 0;
	p->candidate = candidate_name(p->settings_ref);
	struct engine_lease_options options = {
		.ns = p->settings_ref->ns,
		.name = PROGRAM_LEASE,
		.self = p->candidate,
		.takes_over = p->mode == PROGRAM_CLEANS_UP,
		.on_change = program_on_lease,
		.on_trouble = program_on_lease_trouble,
		.on_released = program_on_released,
		.arg = p,
	};
	p->lease = engine_lease_new(p->loop, p->kube_ref, &options, e);
	return p->lease != NULL ? 0 : e->code;
}

static int open_probes(struct program *p, struct err *e)
{
	if (p->mode == PROGRAM_CLEANS_UP)
		return 0;
	struct probes_options options = {
		.address = p->settings_ref->metrics_addr,
		.not_ready = program_not_ready,
		.collect = program_collect,
		.arg = p,
		.metrics = p->metrics,
	};
	p->probes = probes_open(p->loop, &options, e);
	return p->probes != NULL ? 0 : e->code;
}

static void on_upstream(void *arg, bool is_there)
{
	struct program *p = arg;
	(void)is_there;
	cluster_queue_all(p->cluster);
}

struct program *program_new(const struct settings *settings, enum program_mode mode, struct err *e)
{
	struct program *p = xcalloc(1, sizeof(*p));
	p->mode = mode;
	p->settings_ref = settings;
	p->start_ms = clock_now_ms();
	p->metrics = metrics_new();
	if (open_loop(p, e) < 0 || open_probes(p, e) < 0 || open_access(p, e) < 0) {
		program_free(p);
		return NULL;
	}
	timer_init(&p->drain, p->loop, program_on_drained, p);
	open_cluster(p);
	open_features(p);
	open_work(p);
	if (open_lease(p, e) < 0) {
		program_free(p);
		return NULL;
	}
	if (mode == PROGRAM_CLEANS_UP)
		p->cleanup = cleanup_new(p);
	p->permissions =
		permissions_check_new(p->kube_ref, settings->ns, program_on_permissions, p);
	p->upstream = upstream_new(p->loop, p->kube_ref, settings->time_divisor, on_upstream, p);
	return p;
}

/* Users before what they use. */
static void close_rooms(struct program *p)
{
	upstream_free(p->upstream);
	permissions_check_free(p->permissions);
	cleanup_free(p->cleanup);
	engine_lease_free(p->lease);
	if (p->work != NULL)
		timer_stop(&p->drain);
	engine_work_free(p->work);
	egress_free(p->egress);
	proxygroup_free(p->proxygroup);
	tailnet_free(p->tailnet);
	planes_free(p->planes);
	cluster_free(p->cluster);
	kube_events_free(p->events);
}

void program_free(struct program *p)
{
	if (p == NULL)
		return;
	close_rooms(p);
	probes_close(p->probes);
	access_free(p->access);
	fetcher_free(p->control_fetcher);
	resolver_free(p->resolver);
	if (p->signals != NULL)
		signals_close(p->signals);
	if (p->procs != NULL)
		proc_table_free(p->procs);
	loop_free(p->loop);
	metrics_free(p->metrics);
	free(p->candidate);
	free(p);
}

void program_freep(struct program **p)
{
	program_free(*p);
}

int program_run(struct program *p)
{
	struct err e;
	log_event(EV_CONTROLLER_STARTED, TAILBOOT_VERSION, p->settings_ref->ns,
		access_server(p->access));
	cluster_watch(p->cluster, p->loop, p->kube_ref);
	if (loop_run(p->loop, &e) < 0) {
		log_event(EV_CONTROLLER_FATAL, e.msg);
		return CLI_EXIT_FAILED;
	}
	if (p->exit_code == CLI_EXIT_OK)
		log_event(EV_CONTROLLER_STOPPED);
	return p->exit_code;
}
