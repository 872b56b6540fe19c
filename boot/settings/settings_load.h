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
/* The two halves of settings_load, for a caller that needs the values of rejected settings too.
 * The first reads no file and rejects nothing: values that do not parse keep their default. */
struct settings *settings_parse(char *const *environ_ref);
int settings_complete(struct settings *s, struct err *e) MUST_CHECK;
void settings_free(struct settings *s);
void settings_freep(struct settings **s); /* for AUTO */

#endif
