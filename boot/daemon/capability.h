/*
 * The capability version of the tailscaled beside us, from the field `cap` of `tailscale version
 * --json`: the daemon can be replaced in an image, and its own `--version` does not show it.
 * (tailscale.com/version, Meta.Cap.)
 *
 *	ask = capability_ask(loop, procs, on_answer, arg, &e);
 */
#ifndef BOOT_DAEMON_CAPABILITY_H
#define BOOT_DAEMON_CAPABILITY_H

#include <stddef.h>

#include "lib/base/err.h"

struct capability_ask;
struct loop;
struct proc_table;

/* version is 0 with err set when it is not available. Called once, from the loop; the handle is
 * freed then. */
typedef void (*capability_fn)(void *arg, int version, const struct err *err);

/* Ends within two seconds, with or without an answer. NULL with the error set when the command
 * cannot be run. */
struct capability_ask *capability_ask(struct loop *loop, struct proc_table *procs, capability_fn fn,
	void *arg, struct err *e) MUST_CHECK;
void capability_cancel(struct capability_ask *a); /* no callback; NULL is accepted */

/* The version in the output of the command; 0 with the error set. Pure. */
int capability_parse(const char *text, size_t len, struct err *e) MUST_CHECK;

#endif
