/*
 * The table of settings: one row for each environment variable that this program reads, or that it
 * passes on to the daemon and must not touch. Parsing, --help, docs/settings.md and the rejection
 * of bad values all walk this table, so a variable cannot be read without being described.
 *
 * Not for combinations of variables: see boot/settings/settings_check.h.
 */
#ifndef BOOT_SETTINGS_SETTINGS_TABLE_H
#define BOOT_SETTINGS_SETTINGS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the text of a variable becomes a value, and the type of the member at `offset`. */
enum settings_rule {
	SETTINGS_TEXT,        /* char *: empty counts as unset */
	SETTINGS_OPT_TEXT,    /* struct opt_text: unset, empty and value differ */
	SETTINGS_SECRET,      /* struct secret */
	SETTINGS_WORDS,       /* char *: split on white space where it is used */
	SETTINGS_ADDRPORT,    /* char *: IPv6 in brackets; checked where it is used */
	SETTINGS_CHOICE,      /* char *: one of `choices`, anything else counts as unset */
	SETTINGS_BOOL,        /* bool */
	SETTINGS_OPT_BOOL,    /* enum opt_bool */
	SETTINGS_EXACT_TRUE,  /* bool: exactly "true" */
	SETTINGS_DURATION,    /* uint64_t in milliseconds, and char * at text_offset */
	SETTINGS_COUNT,       /* uint32_t, and char * at text_offset */
	SETTINGS_KUBE_SECRET, /* char *: in Kubernetes unset and empty differ, outside they do not
			       */
	SETTINGS_NOT_READ,    /* documented only */
};

enum settings_group {
	SETTINGS_GROUP_LOGIN,
	SETTINGS_GROUP_DAEMON,
	SETTINGS_GROUP_KUBERNETES,
	SETTINGS_GROUP_PROXY,
	SETTINGS_GROUP_SERVE,
	SETTINGS_GROUP_HTTP,
	SETTINGS_GROUP_SUPERVISOR,
	SETTINGS_GROUP_TEST,
	SETTINGS_GROUP_CHILDREN,
	SETTINGS_GROUP_COUNT,
};

/* When a changed value takes effect. */
enum settings_effect {
	SETTINGS_AT_BOOT,        /* a new container */
	SETTINGS_LIVE,           /* nothing is restarted */
	SETTINGS_DAEMON_RESTART, /* tailscaled is started again */
};

/* Places besides the environment that the value may come from. */
enum settings_source {
	SETTINGS_FROM_ENV = 0,
	SETTINGS_FROM_STATE_SECRET =
		1 << 0, /* a key of the state Secret, used when the variable is empty */
};

enum settings_flag {
	SETTINGS_CONFIG_CONFLICT =
		1 << 0, /* must not be set together with a configuration directory */
	SETTINGS_DEPRECATED = 1 << 1,
	SETTINGS_IGNORED = 1 << 2,
	SETTINGS_MUST_BE_POSITIVE = 1 << 3, /* our own durations: 0 makes no sense */
};

struct settings_row {
	const char *name;
	const char *old_name; /* read when the variable is empty or unset; NULL = none */
	enum settings_rule rule;
	enum settings_group group;
	enum settings_effect effect;
	enum settings_source sources;
	unsigned flags;
	const char *fallback;      /* default as text; NULL = none, described by fallback_text */
	const char *fallback_text; /* words for a default that depends on something */
	const char *choices;       /* SETTINGS_CHOICE: words between blanks */
	const char *since;
	const char *meaning; /* a sentence or two */
	size_t offset;       /* in struct settings */
	size_t text_offset;
};

extern const struct settings_row settings_table[];
extern const size_t settings_table_len;

const char *settings_group_title(enum settings_group group);
const char *settings_rule_name(enum settings_rule rule);
const char *settings_effect_name(enum settings_effect effect);
/* True for values that must never be shown. */
bool settings_row_is_secret(const struct settings_row *row);
/* True when the rule stores a value at offset. */
bool settings_row_is_read(const struct settings_row *row);

#endif
