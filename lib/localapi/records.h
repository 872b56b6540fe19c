/*
 * The wanted extra DNS records of the tailnet (among them the names of its services), and only
 * those: each wanted name with the addresses of its records. Others are not stored.
 *
 * Each InitialStatus of the stream replaces them as a whole, even if it has none, and so does the
 * answer to `GET dns-config`, which the owner fetches after a SelfChange: the stream does not
 * report their changes. That answer is older than an InitialStatus that arrives during the call:
 * the owner then cancels the call.
 *
 *	struct records *r = records_new();
 *	ipnbus_set_records(bus, r);
 *	if (records_want(r, &names))
 *		ipnbus_restart(bus);
 *	if (records_lookup(r, "web.t.ts.net", &addresses, &count))
 *		...
 */
#ifndef LIB_LOCALAPI_RECORDS_H
#define LIB_LOCALAPI_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/err.h"
#include "lib/base/ipaddr.h"
#include "lib/base/str.h"

struct records;

struct records *records_new(void);
void records_free(struct records *r);

/* Replaces the wanted FQDNs (trailing dot optional, case-insensitive), copied. Records of names
 * that stay are kept, the others are dropped. Returns true when the set of names has changed:
 * records of new names arrive with the next InitialStatus or dns-config. */
bool records_want(struct records *r, const struct strv *names);
bool records_wants_any(const struct records *r);

/* Replacement as a whole. Offered records become effective at records_end; a begin without an end
 * changes nothing. The type of a record is ignored: any value that is an address counts, as in the
 * reference. Other values, and unwanted names, are ignored. A name may have a leading dot. */
void records_begin(struct records *r);
void records_offer(struct records *r, const char *name, const struct ipaddr *address);
void records_end(struct records *r);
/* Discards what was offered since records_begin. */
void records_cancel(struct records *r);
bool records_is_open(const struct records *r); /* between begin and end */

/* Replaces by `ExtraRecords` of a dns-config document; the document null changes nothing. While an
 * InitialStatus is being read it is only validated: that status replaces it anyway. -EINVAL when it
 * is not a JSON object; then nothing has changed. lib/localapi/dns_config.h reads the certificate
 * domains as well. */
int records_from_dns_config(
	struct records *r, const char *text, size_t len, struct err *e) MUST_CHECK;

/* The addresses of a name in the order of its records, unique, without zones. False (and none)
 * when there are none or the name is not wanted. Borrowed until the next change. */
bool records_lookup(
	const struct records *r, const char *fqdn, const struct ipaddr **addresses, size_t *count);
/* Incremented at each change of a lookup's result. */
uint64_t records_generation(const struct records *r);

#endif
