/*
 * The daemon (tailscaled): starts it, waits until it is ready, restarts it in place after a crash,
 * stops it. The table of state × event in daemon_table.c decides; this module carries it out. It
 * knows nothing of logins.
 *
 * Ready means that its socket accepts a connection: bind precedes listen, a stale socket file does
 * not count, and the path may be a symlink to another process's socket. The caller bounds the first
 * start; each later one has start_timeout_ms, and a longer one counts as a crash.
 */
#ifndef BOOT_DAEMON_DAEMON_H
#define BOOT_DAEMON_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct condition_set;
struct daemon;
struct loop;
struct mask;
struct proc_table;

struct daemon_options {
	const char *socket;
	const char *root;        /* of /proc and /sys */
	const struct mask *mask; /* for its output; borrowed */
	/* Fills in the arguments after argv[0], called before each start; out is empty. */
	void (*make_args)(void *arg, struct strv *out);
	void *make_args_arg;
	char *const *envp;      /* borrowed for the life of the daemon; NULL = ours */
	uint32_t restart_limit; /* crashes within the window that are survived */
	uint64_t restart_window_ms;
	uint64_t start_timeout_ms; /* until the socket is ready, from the second start on */
	uint32_t backoff_base_ms, backoff_max_ms; /* after the immediate restarts */
};

struct daemon_failure {
	bool never_ran;
	size_t crashes; /* within the window, this one included */
	const char *status;
	const char *last_line; /* of its standard error, "" without one */
};

struct daemon_events {
	void (*on_ready)(void *arg);
	/* It has crashed; it will be started again. */
	void (*on_down)(void *arg, const char *status);
	/* It ended before it was ready for the first time, or crashed too often: it stays down. */
	void (*on_failed)(void *arg, const struct daemon_failure *failure);
	/* After daemon_stop: it has been reaped, or there was none. */
	void (*on_stopped)(void *arg);
	void *arg;
};

struct daemon *daemon_new(struct loop *loop, struct proc_table *procs,
	struct condition_set *conditions, const struct daemon_options *options,
	const struct daemon_events *events);
void daemon_free(struct daemon *d);

/* First start. Fails when the program cannot be found or executed: `starting tailscaled
 * failed: …`. */
int daemon_start(struct daemon *d, struct err *e) MUST_CHECK;
/* SIGTERM, after term_ms SIGKILL; then on_stopped, never from within the call. */
void daemon_stop(struct daemon *d, uint64_t term_ms);
/* Ends it and lets the crash path restart it, e.g. to read a new configuration file. Does not count
 * as a crash. */
void daemon_restart(struct daemon *d);
bool daemon_is_up(const struct daemon *d); /* ready, and not being stopped */
bool daemon_has_process(const struct daemon *d);

#endif
