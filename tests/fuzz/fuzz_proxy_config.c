/*
 * The configuration file of a proxy: what is parsed and printed parses to the same text.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/contract/proxy_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	struct proxy_config config = {0};
	struct proxy_config again = {0};
	struct secret text = {0};
	struct secret second = {0};
	if (proxy_config_parse((const char *)data, size, &config, &e) == 0) {
		proxy_config_print(&config, &text);
		if (proxy_config_parse(secret_str(&text), text.len, &again, &e) < 0)
			abort();
		proxy_config_print(&again, &second);
		if (!secret_equal(&text, &second))
			abort();
	}
	proxy_config_fini(&config);
	proxy_config_fini(&again);
	secret_fini(&text);
	secret_fini(&second);
	return 0;
}
