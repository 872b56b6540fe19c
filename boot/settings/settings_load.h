/*
 * Makes the snapshot from the environment.
 *
 *	AUTO(settings_freep) struct settings *settings = settings_load(NULL, &e);
 */
#ifndef BOOT_SETTINGS_SETTINGS_LOAD_H
#define BOOT_SETTINGS_SETTINGS_LOAD_H

#include "lib/base/err.h"

struct settings;

/* Reads the environment given (NULL-terminated "NAME=value" strings; NULL = the process's), chooses
 * and checks the daemon's configuration file, and rejects bad values and combinations. Warnings
 * (deprecated, ignored values) are logged. The result is owned by the caller; NULL with the error
 * set to the whole sentence for the fatal line, prefix included. Reads small local files. */
struct settings *settings_load(char *const *environ_ref, struct err *e) MUST_CHECK;
/* The same without reading any file and without rejecting anything: settings_check.h does that.
 * Values that do not parse keep their default. Never fails. */
struct settings *settings_parse(char *const *environ_ref);
void settings_free(struct settings *s);
void settings_freep(struct settings **s); /* for AUTO */

#endif
