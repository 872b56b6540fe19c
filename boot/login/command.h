/*
 * The command line tool (tailscale), run as a child. Its standard output is the supervisor's; its
 * standard error is passed on with secrets masked, because the tool prints the auth key in one of
 * its messages, and its end is kept to explain a failure.
 */
#ifndef BOOT_LOGIN_COMMAND_H
#define BOOT_LOGIN_COMMAND_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct command;
struct mask;
struct proc_table;

/* err is NULL after exit status 0, else "exit status 1" or the like; said is its last output on
 * standard error, masked. The command is freed after the call. */
typedef void (*command_fn)(void *arg, const char *said, const struct err *err);

/* args after argv[0]; the caller wipes them. mask is borrowed for the life of the command. NULL
 * with the error set when the tool cannot be executed. */
struct command *command_run(struct proc_table *procs, const struct strv *args,
	const struct mask *mask, command_fn fn, void *arg, struct err *e) MUST_CHECK;
/* SIGKILL, no callback. NULL is accepted. */
void command_cancel(struct command *c);

#endif
