/*
 * Certificates that are accepted are read again from what was written, with the same result.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	size_t count, again;
	AUTO(buf_fini) struct buf first = BUF_INIT(CAP);
	AUTO(buf_fini) struct buf second = BUF_INIT(CAP);
	if (pem_certificates((const char *)data, size, &first, &count, &e) < 0)
		return 0;
	if (pem_certificates(buf_cstr(&first), first.len, &second, &again, &e) < 0)
		abort();
	if (count == 0 || again != count || second.len != first.len ||
		memcmp(first.data, second.data, first.len) != 0)
		abort();
	return 0;
}
