/*
 * The daemon's configuration file of one-step mode: which file of the directory matches the daemon,
 * whether the daemon will accept it, and the values that other modules need: the auth key and the
 * mode of the daemon's packet filter.
 *
 * The check is the daemon's own, done earlier so that the fault is named before anything is
 * started: JSON with comments and trailing commas, version alpha0, no unknown key, no value of a
 * wrong type, nothing after the object. Sentences name the file, the line and the key, never a
 * value, because one of them is the auth key.
 *
 * Reads local files; starts nothing and watches nothing.
 */
#ifndef BOOT_CONFIG_DAEMON_CONFIG_H
#define BOOT_CONFIG_DAEMON_CONFIG_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/secret.h"

#define DAEMON_CONFIG_MAX (1024u * 1024) /* a Kubernetes Secret holds no more */
/* Of "on", "nodivert" and "off", with NUL and room for other values. */
#define DAEMON_CONFIG_MODE_MAX 16

/* The clean path of the file for the greatest version up to `capver`, owned by the caller. NULL
 * with the error set when the directory cannot be read or holds no such file. */
char *daemon_config_choose(const char *dir, int capver, struct err *e) MUST_CHECK;

/* The version in a file name: "cap-95.hujson" (anything may follow) is 95, "tailscaled" is 0. -1
 * for other names. */
int daemon_config_version(const char *name);

/* Whether the file exists and loads. The sentence is the one for a rejection of the settings. */
int daemon_config_check(const char *path, struct err *e) MUST_CHECK;

/* The values in use here; zeroed is empty. */
struct daemon_config_values {
	struct secret authkey;                       /* unset when the file has none */
	char netfilter_mode[DAEMON_CONFIG_MODE_MAX]; /* "" when the file has none */
};

/* Wipes. */
void daemon_config_values_fini(struct daemon_config_values *values);

/* Reads and checks the file. The values are replaced; on failure they are left as they were. */
int daemon_config_load(
	const char *path, struct daemon_config_values *values, struct err *e) MUST_CHECK;

/* The same for text in memory, which is changed: comments are blanked. text[len] must be NUL.
 * values may be NULL. */
int daemon_config_parse(
	char *text, size_t len, struct daemon_config_values *values, struct err *e) MUST_CHECK;

#endif
