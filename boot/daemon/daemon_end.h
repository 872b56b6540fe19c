/*
 * Why a process of the daemon has ended, in words: its exit status or signal, and whether memory
 * was short.
 *
 *	daemon_end_begin(&end); // a process is about to be started
 *	... daemon_end_format(&end, wstatus, text, sizeof(text));
 */
#ifndef BOOT_DAEMON_DAEMON_END_H
#define BOOT_DAEMON_DAEMON_END_H

#include <stddef.h>

#include "boot/daemon/oom.h"

struct daemon_end {
	struct oom oom;
};

/* root is where /proc and /sys are. */
void daemon_end_init(struct daemon_end *end, const char *root);
void daemon_end_fini(struct daemon_end *end);
/* From here on it is about the next process. */
void daemon_end_begin(struct daemon_end *end);
/* wstatus as of waitpid. */
void daemon_end_format(const struct daemon_end *end, int wstatus, char *out, size_t size);

#endif
