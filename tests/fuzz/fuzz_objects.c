/*
 * Objects of the cluster in any form: the first byte is the kind, the remaining ones are a JSON
 * document. Each decoder makes a struct of it whose texts are all there, and what depends on it can
 * be said when it comes, changes and goes.
 */
#include <stdint.h>
#include <stdlib.h>

#include "controller/cluster/cluster.h"
#include "controller/cluster/objects.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void on_key(void *arg, const char *kind, const char *ns, const char *name)
{
	(void)arg;
	require(kind != NULL && ns != NULL && name != NULL);
}

static void check_metadata(const struct object *o)
{
	require(o->created != NULL && o->deleting != NULL && o->owner_kind != NULL);
	require(o->labels.len % 2 == 0 && o->annotations.len % 2 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	if (size < 1)
		return 0;
	enum cluster_kind kind = data[0] % CLUSTER_KINDS;
	AUTO(json_freep) struct json *object = json_parse((const char *)data + 1, size - 1, &e);
	if (object == NULL)
		return 0;
	const struct cluster_options options = {
		.ns = "ns", .default_tailnet = "default", .on_key = on_key};
	struct cluster *c = cluster_new(&options);
	AUTO(json_freep) struct json *again = json_dup(object);
	AUTO(json_freep) struct json *last = json_dup(object);
	if (cluster_feed(c, kind, KUBE_ADDED, object, &e) == 0) {
		const struct kube_entry *entry = kube_cache_at(cluster_cache(c, kind), 0);
		if (entry->data != NULL)
			check_metadata(entry->data);
		require(cluster_feed(c, kind, KUBE_MODIFIED, again, &e) == 0);
		cluster_queue_all(c);
		require(cluster_feed(c, kind, KUBE_DELETED, last, &e) == 0);
		require(kube_cache_count(cluster_cache(c, kind)) == 0);
	}
	cluster_free(c);
	return 0;
}
