#include <stdlib.h>

#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/mem.h"

void *object_stateful_set_decode(const struct json *object)
{
	struct object_stateful_set *out = xcalloc(1, sizeof(*out));
	const struct object_reader spec = object_reader(object, "spec", NULL);
	const struct object_reader status = object_reader(object, "status", NULL);
	object_read(object, &out->meta);
	out->replicas = object_number(&spec, "replicas", 1);
	out->ready_replicas = object_number(&status, "readyReplicas", 0);
	out->updated_replicas = object_number(&status, "updatedReplicas", 0);
	out->observed_generation = object_number(&status, "observedGeneration", 0);
	out->current_revision = object_text(&status, "currentRevision");
	out->update_revision = object_text(&status, "updateRevision");
	return out;
}

void object_stateful_set_free(void *data)
{
	struct object_stateful_set *s = data;
	object_fini(&s->meta);
	free(s->current_revision);
	free(s->update_revision);
	free(s);
}

void *object_child_decode(const struct json *object)
{
	struct object_child *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	return out;
}

void object_child_free(void *data)
{
	struct object_child *c = data;
	object_fini(&c->meta);
	free(c);
}
