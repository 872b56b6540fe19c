/*
 * The kernel's files about memory: any text gives a counter and paths, or none.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "boot/daemon/oom.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t kills;
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	AUTO(mem_free) char *v1 = oom_parse_cgroup(text, "memory");
	AUTO(mem_free) char *v2 = oom_parse_cgroup(text, "");
	if ((v1 != NULL && strchr(v1, '\n') != NULL) || (v2 != NULL && strchr(v2, '\n') != NULL))
		abort();
	if (oom_parse_kills(text, &kills) && strstr(text, "oom_kill ") == NULL)
		abort();
	return 0;
}
