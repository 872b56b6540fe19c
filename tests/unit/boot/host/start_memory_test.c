#include "boot/host/start_memory.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Constant and large: a part of the program that is read once. */
static const char stock[1 << 20] = {1, 2, 3};
static char written[1 << 16];

/* KiB of this process that are mapped from files and unchanged. */
static long resident_of_files(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	assert_non_null(file);
	char line[128];
	long size = -1;
	while (fgets(line, sizeof(line), file) != NULL)
		sscanf(line, "RssFile: %ld kB", &size);
	fclose(file);
	return size;
}

static unsigned read_stock(void)
{
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(stock); i += 64)
		sum += (unsigned)((volatile const char *)stock)[i];
	return sum;
}

static void test_returned(void **state)
{
	(void)state;
	memset(written, 0x5a, sizeof(written));
	unsigned sum = read_stock();
	long before = resident_of_files();
	start_memory_return();
	assert_in_range(resident_of_files(), 1, before - 700);
	/* All of it is still there. */
	assert_int_equal(read_stock(), sum);
	for (size_t i = 0; i < sizeof(written); i++)
		assert_int_equal(written[i], 0x5a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_returned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
