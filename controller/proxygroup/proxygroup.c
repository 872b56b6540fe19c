#include "controller/proxygroup/proxygroup.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

#include "controller/cluster/cluster.h"
#include "controller/manifests/manifest.h"
#include "controller/planes/planes.h"
#include "controller/proxygroup/group_calls.h"
#include "controller/proxygroup/group_plan.h"
#include "lib/base/fnv.h"
#include "lib/base/mem.h"

struct proxygroup {
	struct group_settings settings;
	char *image, *firewall_mode, *cluster_domain, *made_by;
	struct group_partners partners;
	struct engine_call mint, replace, remove;
};

/* Another one whenever templates are made in another way. */
static char *fingerprint(const struct proxygroup *g)
{
	const char *manifest = manifest_text("group-stateful-set");
	AUTO(mem_free)
	char *text =
		xasprintf("%s %s %s %s", TAILBOOT_VERSION, manifest, g->image, g->firewall_mode);
	return xasprintf("%016" PRIx64, fnv_add(FNV_INIT, text, strlen(text)));
}

static char *copy(const char *text)
{
	return xstrdup(text != NULL ? text : "");
}

struct proxygroup *proxygroup_new(struct loop *loop, const struct cluster *cluster,
	struct planes *planes, const struct proxygroup_options *options)
{
	struct proxygroup *g = xcalloc(1, sizeof(*g));
	uint32_t divisor = options->divisor != 0 ? options->divisor : 1;
	g->image = copy(options->image);
	g->firewall_mode = copy(options->firewall_mode);
	g->cluster_domain = copy(options->cluster_domain);
	g->made_by = fingerprint(g);
	g->settings = (struct group_settings){
		.image = g->image,
		.firewall_mode = g->firewall_mode,
		.cluster_domain = g->cluster_domain,
		.made_by = g->made_by,
		.finalizer_timeout_s = options->finalizer_timeout_s / divisor,
		.token_ms = GROUP_TOKEN_MS / divisor,
		.refused_ms = GROUP_REFUSED_MS / divisor,
	};
	g->partners = (struct group_partners){
		.loop = loop,
		.cluster = cluster,
		.planes = planes,
		.memory = group_memory_new(),
		.settings = &g->settings,
	};
	g->mint = group_call_mint(&g->partners);
	g->replace = group_call_replace(&g->partners);
	g->remove = group_call_remove(&g->partners);
	return g;
}

void proxygroup_free(struct proxygroup *g)
{
	if (g == NULL)
		return;
	group_memory_free(g->partners.memory);
	free(g->image);
	free(g->firewall_mode);
	free(g->cluster_domain);
	free(g->made_by);
	free(g);
}

static bool has_control(void *arg, const char *tailnet)
{
	const struct proxygroup *g = arg;
	return planes_get(g->partners.planes, tailnet) != NULL;
}

static void plan(void *arg, const char *ns, const char *name, const struct engine_failure *failure,
	struct engine_plan *out)
{
	struct proxygroup *g = arg;
	AUTO(group_view_fini) struct group_view view = {0};
	const struct group_source source = {
		.cluster = g->partners.cluster,
		.settings = &g->settings,
		.memory = g->partners.memory,
		.has_control = has_control,
		.arg = g,
	};
	const struct group_calls calls = {&g->mint, &g->replace, &g->remove};
	(void)ns;
	if (!group_view_read(&source, name, &view)) {
		group_memory_forget(g->partners.memory, name);
		return;
	}
	group_plan(&view, &calls, failure, out);
}

void proxygroup_feature(struct proxygroup *g, struct engine_feature *out)
{
	*out = (struct engine_feature){
		.kind = CLUSTER_KEY_PROXY_GROUP,
		.plan = plan,
		.arg = g,
	};
}

struct proxygroup_counts proxygroup_counts(const struct proxygroup *g)
{
	return (struct proxygroup_counts){g->partners.replaced, g->partners.deleted};
}
