/*
 * A cluster in memory for tests of plans: objects as an API server keeps them, the caches of the
 * controller fed with them, keys that wait. Features make plans, which are carried out step by
 * step.
 *
 *	struct api_world *w = api_world_new("ns");
 *	api_world_put(w, CLUSTER_SERVICES, "{…}");
 *	api_world_run(w, features, count);
 *	api_world_get(w, CLUSTER_SERVICES, "default", "web")
 */
#ifndef TESTS_SUPPORT_API_WORLD_H
#define TESTS_SUPPORT_API_WORLD_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/cluster/cluster.h"
#include "controller/engine/engine_work.h"

struct api_world;
struct json;

struct api_world *api_world_new(const char *ns);
void api_world_free(struct api_world *w);
struct cluster *api_world_cluster(struct api_world *w);

/* As a user does it: created, or merged into what is there. The text is JSON. */
void api_world_put(struct api_world *w, enum cluster_kind kind, const char *text);
/* With finalizers it waits for them. Nothing happens when it is not there. */
void api_world_delete(
	struct api_world *w, enum cluster_kind kind, const char *ns, const char *name);
/* Borrowed until the next change; NULL when it is not there. */
const struct json *api_world_get(
	const struct api_world *w, enum cluster_kind kind, const char *ns, const char *name);
/* The nth of a kind, NULL after the last. */
const struct json *api_world_nth(const struct api_world *w, enum cluster_kind kind, size_t n);

/* Handles keys until none waits: fails the test when that takes too long. */
void api_world_run(
	struct api_world *w, const struct engine_feature *features, size_t feature_count);
void api_world_queue(struct api_world *w, const char *kind, const char *ns, const char *name);
/* Requests that changed something, since the last call. */
size_t api_world_writes(struct api_world *w);

/* Trouble, drawn from a seed: with this chance in a hundred for each step, the process is killed
 * before it (caches are filled anew, all keys wait), and a change reaches the caches later. */
void api_world_trouble(
	struct api_world *w, unsigned int seed, unsigned int kills, unsigned int delays);
/* Called after each change that was stored: for invariants. */
void api_world_watch(struct api_world *w, void (*fn)(void *arg, struct api_world *w), void *arg);

#endif
