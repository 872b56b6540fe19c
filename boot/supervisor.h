/*
 * The supervisor: everything that runs, joined by the node's table. Only its parts include
 * boot/supervisor_internal.h.
 *
 *	AUTO(supervisor_freep) struct supervisor *s = supervisor_new(settings, &e);
 *	if (s != NULL)
 *		code = supervisor_run(s);
 */
#ifndef BOOT_SUPERVISOR_H
#define BOOT_SUPERVISOR_H

#include "lib/base/err.h"

struct settings;
struct supervisor;

/* The settings are borrowed. NULL with the error set to the whole sentence. */
struct supervisor *supervisor_new(const struct settings *settings, struct err *e) MUST_CHECK;
/* Runs to the end; the exit code. */
int supervisor_run(struct supervisor *s);
void supervisor_free(struct supervisor *s);   /* NULL is accepted */
void supervisor_freep(struct supervisor **s); /* for AUTO */

#endif
