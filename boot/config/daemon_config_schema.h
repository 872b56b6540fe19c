/*
 * The shape of the daemon's configuration file, version alpha0: keys and types. Data only.
 */
#ifndef BOOT_CONFIG_DAEMON_CONFIG_SCHEMA_H
#define BOOT_CONFIG_DAEMON_CONFIG_SCHEMA_H

#include <stddef.h>

enum config_type {
	CONFIG_STRING,
	CONFIG_VERSION,        /* string, must be "alpha0" */
	CONFIG_AUTHKEY,        /* string */
	CONFIG_NETFILTER_MODE, /* string */
	CONFIG_BOOL,
	CONFIG_INT,
	CONFIG_PORT,      /* integer from 0 to 65535 */
	CONFIG_STRINGS,   /* array */
	CONFIG_PREFIXES,  /* array of strings: IP prefixes */
	CONFIG_ADDRPORTS, /* array of strings: IP:port */
	CONFIG_OBJECT,    /* members as in `of` */
	CONFIG_MAP, /* object with free keys, values as in `of`; BOOL values when that is NULL */
	CONFIG_PORT_MAP, /* the same, keys are port numbers */
	CONFIG_ANY,      /* not looked at */
};

struct config_field {
	const char *key; /* NULL ends the list; keys compare without ASCII case */
	enum config_type type;
	const struct config_field *of;
};

extern const struct config_field config_schema[];

#endif
