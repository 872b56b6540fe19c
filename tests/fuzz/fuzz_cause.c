/*
 * Any text as the reason of a failure. Its cause equals itself; an appended ephemeral port does not
 * change it, an appended word does.
 */
#include <stdint.h>
#include <stdlib.h>

#include "lib/base/cause.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) char *text = xstrndup((const char *)data, size);
	AUTO(mem_free) char *one = xasprintf("%s at 10.0.0.1:40000", text);
	AUTO(mem_free) char *other = xasprintf("%s at 10.0.0.1:60999", text);
	AUTO(mem_free) char *longer = xasprintf("%s at home", text);
	if (cause_of(one) != cause_of(other) || cause_of(longer) == cause_of(one) ||
		cause_of(text) == cause_of(longer))
		abort();
	return 0;
}
