#include <stdlib.h>
#include <string.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/mem.h"

#define PORTS_MAX 4096 /* a Service of more is cut: it has no place in a group anyway */

static void read_ports(const struct object_reader *spec, struct object_service *out)
{
	const struct json *list = json_get(spec->fields, "ports");
	size_t cap = 0;
	for (const struct json *p = json_first(list); p != NULL; p = json_next(p)) {
		if (out->port_count == PORTS_MAX)
			return;
		const struct object_reader port = {.fields = p};
		out->ports = xgrow(out->ports, out->port_count, &cap, 4, sizeof(*out->ports));
		struct object_port *to = &out->ports[out->port_count++];
		*to = (struct object_port){
			.name = object_text(&port, "name"),
			.protocol = object_text(&port, "protocol"),
			.port = object_number(&port, "port", 0),
			.target = object_number(&port, "targetPort", 0),
		};
		if (to->protocol[0] == '\0') {
			free(to->protocol);
			to->protocol = xstrdup("TCP");
		}
	}
}

static bool concerns_us(const struct object *meta)
{
	return meta->labels.len > 0 || meta->annotations.len > 0 ||
	       object_has_finalizer(meta, CLUSTER_FINALIZER) ||
	       strcmp(meta->owner_kind, CLUSTER_KEY_PROXY_GROUP) == 0;
}

void *object_service_decode(const struct json *object)
{
	struct object_service *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	if (!concerns_us(&out->meta)) {
		object_fini(&out->meta);
		free(out);
		return NULL;
	}
	const struct object_reader spec = object_reader(object, "spec", NULL);
	const struct object_reader status = object_reader(object, "status", NULL);
	out->type = object_text(&spec, "type");
	out->external_name = object_text(&spec, "externalName");
	out->cluster_ip = object_text(&spec, "clusterIP");
	object_texts(&spec, "clusterIPs", &out->cluster_ips);
	object_texts(&spec, "ipFamilies", &out->ip_families);
	read_ports(&spec, out);
	out->conditions = object_tree(&status, "conditions", JSON_ARRAY);
	return out;
}

void object_service_free(void *data)
{
	struct object_service *s = data;
	object_fini(&s->meta);
	free(s->type);
	free(s->external_name);
	free(s->cluster_ip);
	strv_fini(&s->cluster_ips);
	strv_fini(&s->ip_families);
	for (size_t i = 0; i < s->port_count; i++) {
		free(s->ports[i].name);
		free(s->ports[i].protocol);
	}
	free(s->ports);
	json_free(s->conditions);
	free(s);
}
