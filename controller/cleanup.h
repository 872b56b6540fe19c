/*
 * `tailboot-controller cleanup`, for the end of an installation: the groups are deleted, which
 * deletes their devices, and all that is ours is taken off the Services. After CLEANUP_RELEASE_S
 * groups no longer wait for a control plane; after CLEANUP_MAX_MS our finalizers are taken off by
 * force and what is left is named.
 *
 * The Lease is not given back: it is free when its time has passed, so that a controller that still
 * runs does not begin anew at once.
 */
#ifndef CONTROLLER_CLEANUP_H
#define CONTROLLER_CLEANUP_H

#include <stdbool.h>

#define CLEANUP_RELEASE_S 45
#define CLEANUP_MAX_MS 100000

struct cleanup;
struct program;

/* It looks at the program's caches; borrowed. */
struct cleanup *cleanup_new(struct program *program);
void cleanup_free(struct cleanup *c); /* NULL is accepted */
/* The one who led before can no longer write. */
bool cleanup_may_begin(const struct cleanup *c);

#endif
