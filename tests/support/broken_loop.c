#include "tests/support/broken_loop.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define FDS_MAX 256

void broken_loop_make(void)
{
	AUTO(fd_close) int other = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int broken = 0;
	assert_true(other >= 0);
	for (int fd = 0; fd < FDS_MAX; fd++) {
		char path[64], target[64] = "";
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, target, sizeof(target) - 1) < 0 ||
			strcmp(target, "anon_inode:[eventpoll]") != 0)
			continue;
		assert_int_equal(dup3(other, fd, O_CLOEXEC), fd);
		broken++;
	}
	assert_int_equal(broken, 1);
}
