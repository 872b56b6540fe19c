/*
 * Bytes encode and decode to themselves; text that decodes is the only text for its bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/b64.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CAP (4u << 20)

static void require_same(const struct buf *b, const void *bytes, size_t len)
{
	if (b->len != len || (len > 0 && memcmp(b->data, bytes, len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(CAP);
	AUTO(buf_fini) struct buf bytes = BUF_INIT(CAP);
	if (size > CAP / 2)
		return 0;
	if (b64_encode(data, size, &text, &e) < 0 ||
		b64_decode(text.data, text.len, &bytes, &e) < 0)
		abort();
	require_same(&bytes, data, size);
	buf_reset(&text);
	buf_reset(&bytes);
	if (b64_decode((const char *)data, size, &bytes, &e) < 0) {
		require_same(&bytes, "", 0);
		return 0;
	}
	if (b64_encode(buf_cstr(&bytes), bytes.len, &text, &e) < 0)
		abort();
	require_same(&text, data, size);
	return 0;
}
