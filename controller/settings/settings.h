/*
 * The settings of the controller as one immutable snapshot. Each row of the table is a flag
 * ("--proxy-image") and an environment variable ("PROXY_IMAGE"); the flag counts more. Parsing,
 * --help and docs/controller-settings.md walk the table. A value that cannot be used is refused,
 * with the names of both.
 */
#ifndef CONTROLLER_SETTINGS_SETTINGS_H
#define CONTROLLER_SETTINGS_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"

enum log_format {
	LOG_FORMAT_JSON,
	LOG_FORMAT_TEXT,
};

/* Texts are owned and never NULL: "" is none. Names are those of the flags. */
struct settings {
	char *ns;
	char *kubeconfig, *context;
	char *pod_name;
	bool leader_elect;
	uint64_t at_once;
	uint64_t resync_period_ms;

	char *default_tailnet;
	char *proxy_image;
	char *firewall_mode;
	char *cluster_domain;
	bool leave_external_name;
	uint64_t finalizer_timeout_ms;

	char *metrics_addr;
	char *log_format; /* "json" or "text" */
	uint64_t verbosity;

	char *https_proxy, *no_proxy;
	char *service_host, *service_port;
	char *account_dir;
	uint64_t time_divisor;
};

enum settings_rule {
	SETTINGS_TEXT,     /* char * */
	SETTINGS_BOOL,     /* bool */
	SETTINGS_DURATION, /* uint64_t, milliseconds, positive */
	SETTINGS_COUNT,    /* uint64_t, from 1 on unless its default is 0 */
	SETTINGS_CHOICE,   /* char *: one of `choices` */
	SETTINGS_ADDRPORT, /* char *: address:port, or :port */
};

struct settings_row {
	const char *flag; /* without "--"; NULL = variable only */
	const char *variable;
	const char *old_variable; /* read when the variable is empty; NULL = none */
	enum settings_rule rule;
	const char *fallback;      /* "" = none */
	const char *fallback_text; /* words for a default that depends on something, or NULL */
	const char *choices;       /* words between blanks; NULL = none */
	const char *meaning;
	size_t offset;
};

extern const struct settings_row settings_rows[];
extern const size_t settings_rows_len;

/* Flags "--name=value", "--name value"; a boolean flag alone is true. argv begins with the first
 * argument, ends with NULL. env as environ. -EINVAL names the flag, the variable and what it takes.
 */
int settings_parse(
	struct settings *s, char *const *argv, char *const *env, struct err *e) MUST_CHECK;
/* What running needs besides: a cluster, the namespace, the image unless no proxy is made. */
int settings_complete(struct settings *s, bool needs_image, struct err *e) MUST_CHECK;
void settings_fini(struct settings *s);
/* Appends all rows for --help, or as the document. */
int settings_describe(struct buf *out, bool markdown, struct err *e) MUST_CHECK;

#endif
