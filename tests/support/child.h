/*
 * A loop with a reaper, and children whose events are recorded: for the tests of lib/io/proc.h.
 * One at a time, as there is one reaper of a process.
 *
 *	child_bench_open();
 *	child_init(&child);
 *	child_run(&child, "echo x; exit 3", PROC_STDIO_PIPE);
 *	child_wait_exit(&child);
 *	child_fini(&child);
 *	child_bench_close();
 */
#ifndef TESTS_SUPPORT_CHILD_H
#define TESTS_SUPPORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/io/proc.h"

struct child {
	struct proc *proc;
	struct buf out[2];
	unsigned int ends[2]; /* reported ends of streams 1 and 2 */
	unsigned int exits;
	int wstatus;
	size_t out_at_exit; /* bytes of stream 1 that came before the exit */
	bool free_at_output;
	bool free_at_exit;
	struct child *spawn_at_exit_ref; /* runs "exit 7" from the exit of this one */
};

/* To be called once, first in main: blocks signals and makes us the parent of orphans. */
void child_bench_init(void);
/* Setup and teardown of each test; the loop and the reaper last for the test. Closing waits until
 * no child of this process is left. */
int child_bench_open(void **state);
int child_bench_close(void **state);
struct loop *child_bench_loop(void);
struct proc_table *child_bench_table(void);

void child_init(struct child *child);
void child_fini(struct child *child);
/* The callbacks, for a separate spawn with the child as their argument. */
void child_on_output(void *arg, int stream, const char *data, size_t len);
void child_on_exit(void *arg, int wstatus);
/* `sh -c script`; the spec's path and arguments are filled in. */
void child_run_spec(struct child *child, struct proc_spec *spec, const char *script);
void child_run(struct child *child, const char *script, enum proc_stdio stdio);
void child_wait_exit(struct child *child);
/* Waits in the kernel, without the loop, until it is a zombie. */
void child_wait_zombie(const struct child *child);
/* Runs the loop until every child of this process is reaped. */
bool child_wait_none(void);
/* Waits for exactly so many orphans. */
void child_wait_orphans(uint64_t count);
void child_expect_status(int wstatus, const char *text);

#endif
