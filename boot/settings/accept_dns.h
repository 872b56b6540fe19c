/*
 * `--accept-dns` inside TS_EXTRA_ARGS: it is removed, because the command lines of `tailscale up`
 * and `tailscale set` always contain it anyway, and its value overrides TS_ACCEPT_DNS.
 */
#ifndef BOOT_SETTINGS_ACCEPT_DNS_H
#define BOOT_SETTINGS_ACCEPT_DNS_H

#include <stdbool.h>

/* Returns the remaining arguments, to be freed by the caller: an unchanged copy, or, if a word was
 * removed, the other words separated by single blanks. *value is TS_ACCEPT_DNS before and the
 * effective value afterwards. Logs overridden and unusable values. */
char *accept_dns_extract(const char *extra_args, bool *value);

#endif
