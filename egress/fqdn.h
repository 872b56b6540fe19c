/*
 * Names of targets in the tailnet: normal form, comparison, and names that encode an IPv4 address
 * behind a site, `10-1-2-3-via-7` ("4via6"). Pure; no lookups.
 */
#ifndef EGRESS_FQDN_H
#define EGRESS_FQDN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"

/* Size of a name in normal form, including the trailing dot and NUL. */
#define FQDN_TEXT_MAX 255

/* Normal form: no leading dot, one trailing dot, case as written; "" and "." are the root. -EINVAL
 * for an empty label or one above 63 bytes, -ENAMETOOLONG above 254 bytes with the trailing dot. */
int fqdn_normalise(const char *text, char out[static FQDN_TEXT_MAX], struct err *e) MUST_CHECK;

/* Whether both are the same name; a trailing dot and the case of ASCII letters do not matter. */
bool fqdn_equal(const char *a, const char *b);

/* The IPv6 address encoded in a name A-B-C-D-via-SITE, alone or below ts.net or tailscale.net. SITE
 * has 32 bits and is written as a Go literal: 7, 0x7, 0b111, 0o7, 07, 1_000. False for any other
 * name. */
bool fqdn_parse_via(const char *text, struct ipaddr *out);

#endif
