/*
 * `--accept-dns` inside TS_EXTRA_ARGS: it is taken out, because it is always on the command line of
 * `tailscale up` and `tailscale set` by itself, and its value goes before TS_ACCEPT_DNS.
 */
#ifndef BOOT_SETTINGS_ACCEPT_DNS_H
#define BOOT_SETTINGS_ACCEPT_DNS_H

#include <stdbool.h>

/* Returns what is left of the arguments, to be freed by the caller: a copy as it is, unless a word
 * was taken out; then the other words between single blanks. *value is TS_ACCEPT_DNS before and the
 * effective value afterwards. Logs what it overrides or cannot use. */
char *accept_dns_extract(const char *extra_args, bool *value);

#endif
