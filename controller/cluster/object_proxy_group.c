#include <stdlib.h>

#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/mem.h"

#define REPLICAS_DEFAULT 2
#define REPLICAS_MOST 64

static int64_t read_replicas(const struct object_reader *spec, struct strv *faults)
{
	int64_t replicas = object_number(spec, "replicas", REPLICAS_DEFAULT);
	if (replicas >= 0 && replicas <= REPLICAS_MOST)
		return replicas;
	strv_pushf(faults, "spec.replicas: %lld is not between 0 and %d", (long long)replicas,
		REPLICAS_MOST);
	return replicas < 0 ? 0 : REPLICAS_MOST;
}

void *object_proxy_group_decode(const struct json *object)
{
	struct object_proxy_group *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	const struct object_reader spec = object_reader(object, "spec", &out->faults);
	const struct object_reader root = {.fields = object};
	out->type = object_text(&spec, "type");
	out->replicas = read_replicas(&spec, &out->faults);
	object_texts(&spec, "tags", &out->tags);
	out->hostname_prefix = object_text(&spec, "hostnamePrefix");
	out->tailnet = object_text(&spec, "tailnet");
	out->accept_routes = object_flag(&spec, "acceptRoutes", false);
	out->target = object_tree(&spec, "tailnetTarget", JSON_OBJECT);
	out->template = object_tree(&spec, "template", JSON_OBJECT);
	out->status = object_tree(&root, "status", JSON_OBJECT);
	return out;
}

void object_proxy_group_free(void *data)
{
	struct object_proxy_group *g = data;
	object_fini(&g->meta);
	free(g->type);
	strv_fini(&g->tags);
	free(g->hostname_prefix);
	free(g->tailnet);
	json_free(g->target);
	json_free(g->template);
	json_free(g->status);
	strv_fini(&g->faults);
	free(g);
}
