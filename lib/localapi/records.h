/*
 * The extra DNS records of the tailnet (names of its services among them) somebody asked for, and
 * only those: each wanted name with the addresses of its records. Nothing is kept of the others.
 *
 * Each InitialStatus of the stream replaces them as a whole, also by none, and so does the answer
 * of `GET dns-config`, which the owner fetches after a SelfChange: the stream tells no changes of
 * them. That answer is older than an InitialStatus that came while it was under way: the owner
 * cancels the call then.
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

/* Replaces what is wanted: FQDNs (trailing dot optional, case-insensitive), copied. What was known
 * of names that stay is kept, the rest is dropped. Returns true when the set of names changed: what
 * the daemon has of a new name comes with the next InitialStatus or dns-config. */
bool records_want(struct records *r, const struct strv *names);
bool records_wants_any(const struct records *r);

/* Replacement as a whole. What is offered counts from records_end on; a begin without an end
 * changes nothing. Of a record the type is not looked at: a value that is an address is one, as in
 * the reference. Anything else, and a name nobody wants, is passed over. A name may have a leading
 * dot. */
void records_begin(struct records *r);
void records_offer(struct records *r, const char *name, const struct ipaddr *address);
void records_end(struct records *r);
/* Forgets what was offered since records_begin. */
void records_cancel(struct records *r);
bool records_is_open(const struct records *r); /* between begin and end */

/* Replaces by `ExtraRecords` of a dns-config document; null as document changes nothing. While an
 * InitialStatus is being read it is checked and passed over: that status replaces it anyway.
 * -EINVAL when it is no JSON object; then nothing has changed. lib/localapi/dns_config.h reads the
 * certificate domains as well. */
int records_from_dns_config(
	struct records *r, const char *text, size_t len, struct err *e) MUST_CHECK;

/* The addresses of a name in the order of its records, each once, without zones. False (and none)
 * when there are none or nobody wants the name. Borrowed until the next change. */
bool records_lookup(
	const struct records *r, const char *fqdn, const struct ipaddr **addresses, size_t *count);
/* Bumped at each change of what a look-up finds. */
uint64_t records_generation(const struct records *r);

#endif
