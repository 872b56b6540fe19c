/*
 * Any bytes as the output of `tailscale version --json`: a version within its bounds, or an error.
 */
#include <stdint.h>
#include <stdlib.h>

#include "boot/daemon/capability.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = {0};
	int version = capability_parse((const char *)data, size, &e);
	if (version < 0 || version > 1000000 || (version == 0 && e.msg[0] == '\0'))
		abort();
	return 0;
}
