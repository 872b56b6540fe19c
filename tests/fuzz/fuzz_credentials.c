/* The Secret of a tailnet, and the names of its devices: one form or none, no value in a sentence,
 * a domain that fits. The input is a JSON document; all its texts are names of devices as well. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/planes/planes_credentials.h"
#include "controller/tailnet/tailnet_domain.h"
#include "lib/base/json.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_keys(const struct json *secret)
{
	AUTO(planes_keys_fini) struct planes_keys keys = {0};
	struct err e = {0};
	int code = planes_keys_read(secret, "ns", "name", &keys, &e);
	bool has_client = keys.client_id != NULL;
	bool has_key = secret_is_set(&keys.api_key);
	if (has_client != secret_is_set(&keys.client_secret))
		abort();
	if ((code == 0) != (has_client != has_key) || (code < 0 && (has_client || has_key)))
		abort();
	if (code < 0 && strstr(e.msg, "Secret ns/name") == NULL)
		abort();
	AUTO(mem_free) char *ca = planes_ca_read(secret, "ns", "name", &e);
	if (ca != NULL && ca[0] == '\0')
		abort();
}

static void check_names(const struct json *names)
{
	struct tailnet_domains domains = {0};
	for (const struct json *name = json_first(names); name != NULL; name = json_next(name)) {
		const char *text = json_str(name);
		if (text != NULL)
			tailnet_domains_add(&domains, text, text);
	}
	const char *best = tailnet_domains_best(&domains);
	if (strlen(best) >= TAILNET_DOMAIN_MAX || (domains.len > 0 && best[0] == '\0'))
		abort();
	tailnet_organization(best);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	AUTO(json_freep) struct json *document = json_parse((const char *)data, size, &e);
	if (document == NULL)
		return 0;
	check_keys(document);
	check_names(json_get(document, "data"));
	return 0;
}
