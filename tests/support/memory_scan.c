#include "tests/support/memory_scan.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define PIECE ((size_t)1 << 20)
#define SECRET_LEN 96
/* Freed memory is overwritten at its beginning anyway: the end of the secret is searched for. */
#define TAIL_LEN 32
/* Above this it is address space that a sanitizer has reserved. */
#define MAPPING_MAX ((size_t)1 << 30)

static char inverted_byte(size_t i)
{
	return (char)~('a' + (int)((i * i + i / 7) % 26));
}

void memory_secret_put(struct buf *out)
{
	struct err e;
	for (size_t i = 0; i < SECRET_LEN; i++) {
		char one = (char)~inverted_byte(i);
		assert_int_equal(buf_append(out, &one, 1, &e), 0);
	}
}

static size_t count_in(const char *bytes, size_t len, const char *inverted, size_t needle_len)
{
	size_t count = 0;
	const char *end = bytes + len;
	while ((size_t)(end - bytes) >= needle_len) {
		bytes = memchr(bytes, (unsigned char)~inverted[0],
			(size_t)(end - bytes) - (needle_len - 1));
		if (bytes == NULL)
			break;
		size_t same = 1;
		while (same < needle_len && bytes[same] == (char)~inverted[same])
			same++;
		count += same == needle_len;
		bytes++;
	}
	return count;
}

static size_t count_in_mapping(
	int mem, uintptr_t from, uintptr_t to, char *piece, const char *inverted, size_t needle_len)
{
	size_t count = 0;
	while (from < to) {
		size_t want = to - from < PIECE ? to - from : PIECE;
		ssize_t n = pread(mem, piece, want, (off_t)from);
		if (n <= 0)
			break; /* guard pages */
		count += count_in(piece, (size_t)n, inverted, needle_len);
		/* The next piece overlaps, to find matches across the border. */
		from += (size_t)n < want || want < PIECE ? (size_t)n : want - (needle_len - 1);
	}
	return count;
}

size_t memory_secret_count(void)
{
	char inverted[TAIL_LEN];
	const size_t len = TAIL_LEN;
	for (size_t i = 0; i < len; i++)
		inverted[i] = inverted_byte(SECRET_LEN - TAIL_LEN + i);
	size_t count = 0;
	char line[512];
	AUTO(fd_close) int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char *piece = mmap(NULL, PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	FILE *maps = fopen("/proc/self/maps", "re");
	assert_true(mem >= 0 && piece != MAP_FAILED);
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps) != NULL) {
		uintptr_t from, to;
		char rights[5];
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to, rights) != 3 ||
			rights[1] != 'w' || to - from > MAPPING_MAX)
			continue;
		/* Skip the copy of the memory that was just read. */
		if (from <= (uintptr_t)piece && (uintptr_t)piece < to) {
			count +=
				count_in_mapping(mem, from, (uintptr_t)piece, piece, inverted, len);
			from = (uintptr_t)piece + PIECE;
		}
		count += count_in_mapping(mem, from, to, piece, inverted, len);
	}
	fclose(maps);
	munmap(piece, PIECE);
	return count;
}
