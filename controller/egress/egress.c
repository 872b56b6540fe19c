#include "controller/egress/egress.h"

#include <stdlib.h>

#include "controller/cluster/cluster.h"
#include "controller/egress/egress_service_plan.h"
#include "controller/egress/egress_sweep.h"
#include "lib/base/mem.h"

struct egress {
	struct cluster *cluster_ref;
	struct egress_options options;
	char *domain;
};

struct egress *egress_new(struct cluster *cluster, const struct egress_options *options)
{
	struct egress *e = xcalloc(1, sizeof(*e));
	e->cluster_ref = cluster;
	e->options = *options;
	e->domain = xstrdup(options->domain);
	return e;
}

void egress_free(struct egress *e)
{
	if (e == NULL)
		return;
	free(e->domain);
	free(e);
}

static void plan_service(void *arg, const char *ns, const char *name,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct egress *e = arg;
	bool (*has_upstream)(void *) = e->options.has_upstream;
	const struct egress_setting setting = {
		.domain = e->domain,
		.leaves_external_name = e->options.leaves_external_name,
		.is_leaving = e->options.is_leaving,
		.has_upstream = has_upstream != NULL && has_upstream(e->options.arg),
	};
	struct egress_service_view view;
	egress_service_view_gather(e->cluster_ref, &setting, ns, name, &view);
	egress_service_plan(&view, failure, out);
	egress_service_view_fini(&view);
}

void egress_feature(struct egress *e, struct engine_feature *out)
{
	*out = (struct engine_feature){.kind = CLUSTER_KEY_SERVICE, .plan = plan_service, .arg = e};
}

static void plan_sweep(void *arg, const char *ns, const char *name,
	const struct engine_failure *failure, struct engine_plan *out)
{
	struct egress *e = arg;
	(void)ns;
	(void)name;
	if (failure == NULL)
		egress_sweep(e->cluster_ref, out);
}

void egress_sweep_feature(struct egress *e, struct engine_feature *out)
{
	*out = (struct engine_feature){.kind = EGRESS_KEY_SWEEP, .plan = plan_sweep, .arg = e};
}
