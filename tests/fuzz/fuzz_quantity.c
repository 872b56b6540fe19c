/*
 * Two quantities, separated by a line end: the same in both directions, and each one that can be
 * read is the same as itself with a sign or zeros in front.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/engine/engine_quantity.h"
#include "lib/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(mem_free) char *left = xstrndup((const char *)data, size);
	char *right = strchr(left, '\n');
	if (right != NULL)
		*right++ = '\0';
	else
		right = left + strlen(left);
	require(engine_quantity_equal(left, right) == engine_quantity_equal(right, left));
	if (!engine_quantity_equal(left, left))
		return 0;
	AUTO(mem_free) char *longer = xasprintf("+%s", left);
	if (strchr("+-", left[0]) == NULL)
		require(engine_quantity_equal(left, longer));
	return 0;
}
