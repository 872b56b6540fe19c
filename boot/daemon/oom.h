/*
 * Whether the kernel has killed a process of our memory cgroup because memory was short: its
 * counter oom_kill, in memory.events (cgroup v2) or memory.oom_control (v1). Without such a file
 * nothing is known.
 *
 *	oom_find(&oom, "/");
 *	oom_mark(&oom);
 *	... oom_has_killed(&oom)
 */
#ifndef BOOT_DAEMON_OOM_H
#define BOOT_DAEMON_OOM_H

#include <stdbool.h>
#include <stdint.h>

struct oom {
	char *path; /* NULL without a counter */
	uint64_t kills;
};

/* root is where /proc and /sys are. */
void oom_find(struct oom *o, const char *root);
void oom_fini(struct oom *o); /* zeroed is accepted */
void oom_mark(struct oom *o);
bool oom_has_killed(const struct oom *o); /* since the mark */

/* Pure. The counter in the text of such a file; false when it has none. */
bool oom_parse_kills(const char *text, uint64_t *kills);
/* Pure. Path of the cgroup in a line of /proc/self/cgroup: of the controller "memory", or of the
 * unified hierarchy, whose controller is "". NULL when there is none; caller frees. */
char *oom_parse_cgroup(const char *text, const char *controller);

#endif
