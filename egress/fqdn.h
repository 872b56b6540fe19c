/*
 * Names of targets in the tailnet: normal form, comparison, and names that stand for an IPv4
 * address behind a site, `10-1-2-3-via-7` ("4via6"). Pure; nothing is looked up here.
 */
#ifndef EGRESS_FQDN_H
#define EGRESS_FQDN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

/* Bytes of a name in normal form, with its trailing dot and NUL. */
#define FQDN_TEXT_MAX 255

/* Normal form: no leading dot, one trailing dot, case as written; "" and "." are the root. -EINVAL
 * for an empty label or one above 63 bytes, -ENAMETOOLONG above 254 bytes with the trailing dot. */
int fqdn_normalise(const char *text, char out[static FQDN_TEXT_MAX], struct err *e) MUST_CHECK;

/* The same name? A trailing dot and the case of ASCII letters do not matter. */
bool fqdn_equal(const char *a, const char *b);

/* The IPv6 address that a name A-B-C-D-via-SITE stands for, alone or below ts.net or
 * tailscale.net. SITE has 32 bits and is written as a Go literal: 7, 0x7, 0b111, 0o7, 07, 1_000.
 * False when the name is of another kind. */
bool fqdn_parse_via(const char *text, struct ipaddr *out);

#endif
