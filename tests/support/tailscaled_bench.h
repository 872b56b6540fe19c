/*
 * The daemon's process (boot/daemon/daemon.h) with shell scripts in place of tailscaled, and its
 * reports: for its tests.
 *
 *	TEST with tailscaled_set_up and tailscaled_tear_down
 *	struct tailscaled_bench *b = tailscaled_serving(*state, 10);
 *	tailscaled_wait_ready(b, 1);
 *	tailscaled_kill_newest(b);
 */
#ifndef TESTS_SUPPORT_TAILSCALED_BENCH_H
#define TESTS_SUPPORT_TAILSCALED_BENCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "boot/output/mask.h"
#include "lib/base/condition.h"
#include "lib/base/str.h"
#include "tests/support/log_capture.h"

struct daemon;

/* "$1" is --socket=PATH. Each start leaves a line in the file "starts". */
#define TAILSCALED_HEAD \
	"#!/bin/sh\nsocket=${1#--socket=}\necho $$ \"$@\" >>\"${socket%/*}/starts\"\n"
/* No child processes, which would survive SIGKILL. */
#define TAILSCALED_STAY "exec sleep 600\n"
#define TAILSCALED_LINK "ln -sfn real \"$socket\"\n" TAILSCALED_STAY
#define TAILSCALED_SERVES TAILSCALED_HEAD TAILSCALED_LINK
#define TAILSCALED_STUBBORN \
	TAILSCALED_HEAD "trap '' TERM\nln -sfn real \"$socket\"\n" TAILSCALED_STAY
#define TAILSCALED_SILENT TAILSCALED_HEAD TAILSCALED_STAY
#define TAILSCALED_START_TIMEOUT_MS 1000
#define TAILSCALED_LEAVES TAILSCALED_HEAD "echo out of luck >&2\nexit 7\n"

struct tailscaled_bench {
	char *dir;
	char *socket;
	int listener; /* -1 without one */
	struct condition_set conditions;
	struct log_capture log;
	struct strv args;
	struct daemon *daemon;
	unsigned ready, down, failed, stopped;
	bool never_ran;
	char status[128];
	char last_line[128];
	size_t crashes;
	struct mask mask;
};

/* child_bench_init() comes first, in main. */
int tailscaled_set_up(void **state);
int tailscaled_tear_down(void **state);
/* Sets the script that is started next. */
void tailscaled_write_program(struct tailscaled_bench *b, const char *text);
/* Binds dir/name; listens at once unless disabled. */
int tailscaled_bind_socket(struct tailscaled_bench *b, const char *name, bool listens);
/* Makes the daemon; limit is the crash limit. */
void tailscaled_make(struct tailscaled_bench *b, const char *program, uint32_t limit);
void tailscaled_start(struct tailscaled_bench *b, const char *program, uint32_t limit);
/* Starts one that serves at once; returns b. */
struct tailscaled_bench *tailscaled_serving(struct tailscaled_bench *b, uint32_t limit);
/* Pid of the newest start. */
pid_t tailscaled_newest_pid(struct tailscaled_bench *b, unsigned *starts);
unsigned tailscaled_starts(struct tailscaled_bench *b);
void tailscaled_wait_ready(struct tailscaled_bench *b, unsigned count);
void tailscaled_kill_newest(struct tailscaled_bench *b);
void tailscaled_stop_and_wait(struct tailscaled_bench *b, uint64_t term_ms);

#endif
