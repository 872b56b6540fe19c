/*
 * The answer to `GET dns-config`: certificate domains and extra DNS records, read without building
 * a tree, because a tailnet may have tens of thousands of records.
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

/* Replaces the kept records, see records_from_dns_config, and the domains, even if the document
 * has none. Either may be NULL. A value of a wrong type counts as absent. The document null changes
 * nothing. -EINVAL when the text is not a JSON object; then nothing has changed. */
int dns_config_read(const char *text, size_t len, struct records *records,
	struct strv *cert_domains, struct err *e) MUST_CHECK;

#endif
