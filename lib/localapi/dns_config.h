/*
 * The answer to `GET dns-config`: certificate domains and extra DNS records, read without a tree,
 * because a tailnet may have tens of thousands of records.
 *
 *	if (dns_config_read(reply->body, reply->len, records, &cert_domains, &e) < 0)
 *		log_event(…, e.msg);
 */
#ifndef LIB_LOCALAPI_DNS_CONFIG_H
#define LIB_LOCALAPI_DNS_CONFIG_H

#include <stddef.h>

#include "lib/base/err.h"
#include "lib/base/str.h"

struct records;

/* Replaces what is kept of the records, see records_from_dns_config, and the domains, which are
 * none where the document tells none. Either may be NULL. Anything of a wrong type counts as
 * absent. The document null changes nothing. -EINVAL for what is no JSON object; then nothing has
 * changed. */
int dns_config_read(const char *text, size_t len, struct records *records,
	struct strv *cert_domains, struct err *e) MUST_CHECK;

#endif
