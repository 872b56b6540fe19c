/*
 * The causes that may end the process, and their exit codes. Before the first "Startup complete"
 * any failure of a step may; after it only the rows marked so: docs/exit-codes.md is the same table
 * for users.
 */
#ifndef BOOT_FATAL_H
#define BOOT_FATAL_H

#include <stdbool.h>

#include "lib/base/err.h"

enum fatal_cause {
	FATAL_STOP_REQUESTED, /* SIGTERM or SIGINT */
	FATAL_KEY_REISSUED,   /* a new key has arrived at boot: the runtime starts us again with
 * it */
	FATAL_SETTINGS,       /* environment, command line of the pod, files named by it */
	FATAL_BOOT_STEP,      /* a step of the start-up failed */
	FATAL_BOOT_DEADLINE,  /* start-up took longer than TS_BOOT_TIMEOUT */
	FATAL_DAEMON_NEVER_RAN,
	FATAL_CRASH_BUDGET, /* the daemon crashed too often */
	FATAL_LOOP,         /* the kernel refuses epoll itself */
	FATAL_CAUSE_COUNT,
};

struct fatal_row {
	const char *name;
	int exit_code;
	bool after_startup; /* may end the process after the first "Startup complete" */
	bool is_failure;    /* prints its sentence and writes the termination message */
};

const struct fatal_row *fatal_row(enum fatal_cause cause);

/* Writes the sentence to the termination message file (cut to 4 KiB, what kubelet reads). A
 * path that does not exist or cannot be written is no error: most hosts have none. */
void fatal_write_termination(const char *path, const char *sentence);

#endif
