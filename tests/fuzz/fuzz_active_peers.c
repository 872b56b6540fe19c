/*
 * The daemon's status: any text gives no more peers than fit, and none when it is not JSON.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/localapi/active_peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct active_peers peers;
	struct err e;
	int code = active_peers_read((const char *)data, size, &peers, &e);
	if (peers.count > ACTIVE_PEERS_MAX || (code < 0 && peers.count > 0))
		abort();
	for (size_t k = 0; k < peers.count; k++) {
		if (peers.addresses[k].family == IPADDR_NONE)
			abort();
	}
	return 0;
}
