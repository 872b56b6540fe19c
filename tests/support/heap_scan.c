#include "tests/support/heap_scan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define CHUNK ((size_t)1 << 20)
/* The shadow memory of a sanitizer is larger than any heap. */
#define REGION_MAX ((uint64_t)1 << 30)
/* What the allocator writes into memory that was freed. */
#define OVERWRITTEN 16

static char letter(uint32_t number, size_t i)
{
	uint32_t mixed = (number * 2654435761u) ^ ((uint32_t)i * 40503u);
	return (char)('a' + (mixed >> 7) % 26);
}

void heap_scan_text(char out[static HEAP_SCAN_LEN + 1], uint32_t number)
{
	for (size_t i = 0; i < HEAP_SCAN_LEN; i++)
		out[i] = letter(number, i);
	out[HEAP_SCAN_LEN] = '\0';
}

static bool is_here(const char *data, uint32_t number)
{
	for (size_t i = OVERWRITTEN; i < HEAP_SCAN_LEN; i++) {
		if (data[i - OVERWRITTEN] != letter(number, i))
			return false;
	}
	return true;
}

static unsigned int count_region(int fd, char *chunk, const uint64_t range[2], uint32_t number)
{
	const size_t wanted = HEAP_SCAN_LEN - OVERWRITTEN;
	unsigned int found = 0;
	uint64_t at = range[0];
	while (at + wanted <= range[1]) {
		size_t len = range[1] - at < CHUNK ? (size_t)(range[1] - at) : CHUNK;
		ssize_t got = pread(fd, chunk, len, (off_t)at);
		if (got < (ssize_t)wanted)
			break;
		const char *end = chunk + got - wanted + 1;
		const char *hit = chunk;
		while ((hit = memchr(hit, letter(number, OVERWRITTEN), (size_t)(end - hit))) !=
			NULL)
			found += is_here(hit++, number);
		/* What the next chunk begins with was not the begin of a match here. */
		at += (size_t)got - wanted + 1;
	}
	return found;
}

unsigned int heap_scan_count(uint32_t number)
{
	/* Read through a mapping of its own, which is left out below. */
	char *chunk = mmap(NULL, CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *maps = fopen("/proc/self/maps", "re");
	int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char line[512];
	unsigned int found = 0;
	assert_true(chunk != MAP_FAILED && maps != NULL && fd >= 0);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uint64_t range[2];
		char rights[5];
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &range[0], &range[1], rights) != 3)
			continue;
		uint64_t ours = (uint64_t)(uintptr_t)chunk;
		bool is_ours = ours >= range[0] && ours < range[1];
		if (rights[0] == 'r' && rights[1] == 'w' && !is_ours &&
			range[1] - range[0] <= REGION_MAX)
			found += count_region(fd, chunk, range, number);
	}
	close(fd);
	fclose(maps);
	munmap(chunk, CHUNK);
	return found;
}
