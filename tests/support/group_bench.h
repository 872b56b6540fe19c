/*
 * A proxy group with its surroundings: a small API server in memory that feeds the caches, a
 * control plane that counts, and on demand the controllers and proxies that live beside it.
 *
 *	group_bench_open(&b, 3);             a tailnet that is ready, a group of 3
 *	group_bench_finish(&b);              plans and steps until nothing is to be done
 *	group_bench_beside(&b);              StatefulSet controller, kubelet, proxies
 *	group_bench_get(&b, CLUSTER_ROLES, "egress")
 */
#ifndef TESTS_SUPPORT_GROUP_BENCH_H
#define TESTS_SUPPORT_GROUP_BENCH_H

#include <stdbool.h>
#include <stddef.h>

#include "controller/cluster/cluster.h"
#include "controller/proxygroup/group_plan.h"
#include "lib/base/str.h"

#define GROUP_BENCH_NAME "egress"
#define GROUP_BENCH_NS "ns"

struct group_bench {
	struct cluster *cluster;
	struct group_memory *memory;
	struct group_settings settings;
	bool has_control;
	struct json *store; /* "PLURAL/NAMESPACE/NAME": object */
	unsigned int numbers;
	struct engine_call mint, replace, remove;
	unsigned int minted, writes;
	unsigned int mint_fails; /* so many of the next ones */
	unsigned int remove_fails;
	struct strv devices;    /* in the tailnet */
	struct strv removed;    /* asked for, in order */
	unsigned int conflicts; /* so many of the next writes of Secrets */
	struct strv created;    /* in order: "PLURAL NAME" */
};

void group_bench_open(struct group_bench *b, int replicas);
void group_bench_close(struct group_bench *b);
/* Puts an object as a user or another controller would. */
void group_bench_put(struct group_bench *b, enum cluster_kind kind, const char *json);
/* Merge patch by a user. */
void group_bench_patch(
	struct group_bench *b, enum cluster_kind kind, const char *name, const char *json);
void group_bench_remove(struct group_bench *b, enum cluster_kind kind, const char *name);
/* NULL when there is none. */
const struct json *group_bench_get(
	const struct group_bench *b, enum cluster_kind kind, const char *name);
/* A value of a Secret, "" without one. Caller frees. */
char *group_bench_secret(const struct group_bench *b, const char *name, const char *key);
void group_bench_set_secret(
	struct group_bench *b, const char *name, const char *key, const char *value);

/* One plan. */
void group_bench_plan(struct group_bench *b, const char *name, const struct engine_failure *failure,
	struct engine_plan *out);
/* Carries out the first `most` steps of a plan; false when one failed. */
bool group_bench_perform(struct group_bench *b, const struct engine_plan *plan, size_t most);
/* Plans and steps of the group until there is none. Writes that were made. */
unsigned int group_bench_finish(struct group_bench *b);
/* The process is killed: only the cluster and the tailnet stay. */
void group_bench_restart(struct group_bench *b);
/* The StatefulSet is obeyed, pods come and go, proxies log in with their keys. */
void group_bench_beside(struct group_bench *b);
/* Of the group's condition. */
void group_bench_expect(
	const struct group_bench *b, const char *type, const char *reason, const char *message);

#endif
