#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/mem.h"

static bool is_true(const struct json *status, const char *type)
{
	AUTO(mem_free) char *is = object_condition(status, type, "status");
	return strcmp(is, "True") == 0;
}

static void read_ips(const struct object_reader *status, struct strv *out)
{
	const struct json *list = json_get(status->fields, "podIPs");
	for (const struct json *ip = json_first(list); ip != NULL; ip = json_next(ip)) {
		const char *text = json_str(json_get(ip, "ip"));
		if (text != NULL && out->len < OBJECT_ITEMS_MAX)
			strv_push(out, text);
	}
	AUTO(mem_free) char *only = object_text(status, "podIP");
	if (out->len == 0 && only[0] != '\0')
		strv_push(out, only);
}

void *object_pod_decode(const struct json *object)
{
	struct object_pod *out = xcalloc(1, sizeof(*out));
	const struct object_reader status = object_reader(object, "status", NULL);
	const struct object_reader labels = {
		.fields = json_path(object, "metadata", "labels", NULL)};
	object_read(object, &out->meta);
	read_ips(&status, &out->ips);
	out->phase = object_text(&status, "phase");
	out->is_ready = is_true(status.fields, "Ready");
	out->has_gate = is_true(status.fields, CLUSTER_GATE);
	out->revision = object_text(&labels, "controller-revision-hash");
	return out;
}

void object_pod_free(void *data)
{
	struct object_pod *p = data;
	object_fini(&p->meta);
	strv_fini(&p->ips);
	free(p->phase);
	free(p->revision);
	free(p);
}
