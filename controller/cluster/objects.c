#include "controller/cluster/objects.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/mem.h"

static const char *value_of(const struct strv *pairs, const char *key)
{
	for (size_t i = 0; i + 1 < pairs->len; i += 2) {
		if (strcmp(pairs->items[i], key) == 0)
			return pairs->items[i + 1];
	}
	return NULL;
}

const char *object_label(const struct object *o, const char *key)
{
	return value_of(&o->labels, key);
}

const char *object_annotation(const struct object *o, const char *key)
{
	return value_of(&o->annotations, key);
}

const char *object_user_annotation(const struct object *o, const char *name)
{
	AUTO(mem_free) char *ours = xasprintf("gateway.tailscale.com/%s", name);
	/* The same text without the beginning is upstream's. */
	const char *value = value_of(&o->annotations, ours);
	return value != NULL ? value : value_of(&o->annotations, strchr(ours, '.') + 1);
}

bool object_is_deleting(const struct object *o)
{
	return o->deleting[0] != '\0';
}

bool object_has_finalizer(const struct object *o, const char *finalizer)
{
	return strv_contains(&o->finalizers, finalizer);
}
