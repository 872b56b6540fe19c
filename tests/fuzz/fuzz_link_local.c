/*
 * Announcements of links: any bytes give an index or none, and only one whose name is in them.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/host/link_local.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "tailscale0";
	AUTO(mem_free) uint8_t *aligned = xmalloc(size + 1);
	if (size > 0)
		memcpy(aligned, data, size);
	if (link_local_find(aligned, size, name) != 0 &&
		memmem(data, size, name, strlen(name)) == NULL)
		abort();
	return 0;
}
