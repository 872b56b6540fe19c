/* The parts of struct program: for the files of the program alone. */
#ifndef CONTROLLER_PROGRAM_INTERNAL_H
#define CONTROLLER_PROGRAM_INTERNAL_H

#include "controller/engine/engine_work.h"
#include "controller/program.h"
#include "lib/io/timer.h"

#define PROGRAM_FEATURES 4

struct program {
	const struct settings *settings_ref;
	enum program_mode mode;
	int exit_code;
	bool is_stopping;

	struct loop *loop;
	struct signals *signals;
	struct proc_table *procs;
	struct resolver *resolver;
	struct access *access;
	struct kube *kube_ref; /* of the access */

	struct metrics *metrics;
	struct probes *probes;
	struct permissions_check *permissions;
	struct upstream *upstream;

	struct fetcher *control_fetcher;
	struct kube_events *events;
	struct cluster *cluster;
	struct planes *planes;
	struct tailnet *tailnet;
	struct proxygroup *proxygroup;
	struct egress *egress;
	struct engine_feature features[PROGRAM_FEATURES];
	struct engine_work *work;
	struct engine_lease *lease; /* NULL without leader election */
	char *candidate;         /* the name of this process in the Lease, NULL without election */
	struct timer drain;      /* at the end: what is under way may end */
	struct cleanup *cleanup; /* NULL unless it cleans up */

	uint64_t start_ms;
};

/* program_events.c */

void program_on_signal(void *arg, int signo);
void program_on_key(void *arg, const char *kind, const char *ns, const char *name);
void program_on_synced(void *arg);
void program_on_watch_trouble(void *arg, const struct kube_resource *resource,
	enum kube_outcome outcome, const struct err *err);
void program_on_tailnet(void *arg, const char *tailnet);
void program_on_control_answer(void *arg, const char *tailnet, const char *operation, int status);
void program_on_permissions(
	void *arg, bool is_cluster_wide, const struct strv *missing, const struct err *err);
bool program_has_upstream(void *arg);
void program_on_lease(void *arg, bool leads);
void program_on_lease_trouble(void *arg, const struct err *err);
void program_on_released(void *arg);
void program_on_handled(void *arg, const char *kind, const char *ns, const char *name,
	enum engine_result result, uint64_t took_ms, const struct err *err);
bool program_may_write(void *arg);
const char *program_not_ready(void *arg);
void program_collect(void *arg);
void program_on_drained(void *arg);
/* It leads, if there is an election. */
bool program_leads(const struct program *p);
void program_end(struct program *p, int exit_code);
/* Keys may be handled: caches complete, and leading. */
void program_update_hold(struct program *p);

#endif
