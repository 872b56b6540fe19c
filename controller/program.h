/*
 * The controller as a whole: makes the rooms, connects them, runs the loop.
 *
 *	AUTO(program_freep) struct program *p = program_new(&settings, &options, &e);
 *	return program_run(p);
 */
#ifndef CONTROLLER_PROGRAM_H
#define CONTROLLER_PROGRAM_H

#include <stdbool.h>

#include "lib/base/err.h"

#define PROGRAM_LEASE "tailnet-gateway-controller"

struct program;
struct settings;

enum program_mode {
	PROGRAM_CONTROLS,
	/* Takes the Lease from whoever has it, deletes the groups, and takes all that is ours off
	 * the Services; ends when nothing is left, at the latest after two minutes. */
	PROGRAM_CLEANS_UP,
};

/* The settings are borrowed. NULL with the error set. */
struct program *program_new(
	const struct settings *settings, enum program_mode mode, struct err *e) MUST_CHECK;
void program_free(struct program *p); /* NULL is accepted */
void program_freep(struct program **p);
/* Until SIGTERM or SIGINT, or the Lease is lost, or all is cleaned up. Returns the exit code
 * (controller/cli.h). */
int program_run(struct program *p);

#endif
