#include "boot/host/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"

#define BIT(cap) (UINT64_C(1) << (cap))
#define KEPT \
	(BIT(CAP_KILL) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_BIND_SERVICE))
#define NOBODY 65534
#define STATUS_MAX 8192

struct caps_seen {
	uint64_t inheritable, permitted, effective, bounding, ambient;
};

static uint64_t field(const char *status, const char *name)
{
	const char *found = strstr(status, name);
	return found != NULL ? strtoull(found + strlen(name), NULL, 16) : 0;
}

static struct caps_seen parse_status(const char *status)
{
	return (struct caps_seen){
		.inheritable = field(status, "\nCapInh:"),
		.permitted = field(status, "\nCapPrm:"),
		.effective = field(status, "\nCapEff:"),
		.bounding = field(status, "\nCapBnd:"),
		.ambient = field(status, "\nCapAmb:"),
	};
}

static size_t read_all(int fd, char *text)
{
	size_t len = 0;
	ssize_t n;
	while ((n = read(fd, text + len, STATUS_MAX - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	return len;
}

static struct caps_seen own_caps(void)
{
	char text[STATUS_MAX];
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	read_all(fd, text);
	close(fd);
	return parse_status(text);
}

/* The capabilities of a program that this process starts. */
static struct caps_seen caps_of_program(void)
{
	char text[STATUS_MAX];
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		_exit(100);
	pid_t pid = fork();
	if (pid == 0) {
		dup2(ends[1], STDOUT_FILENO);
		execl("/bin/cat", "cat", "/proc/self/status", (char *)NULL);
		_exit(101);
	}
	close(ends[1]);
	read_all(ends[0], text);
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return parse_status(text);
}

static bool same(const struct caps_seen *a, const struct caps_seen *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Runs in a process of its own. Returns the number of the first claim that does not hold. */
static int drop_and_look(void)
{
	struct err e;
	struct caps_seen before = own_caps();
	struct caps_seen program_before = caps_of_program();
	if (caps_drop(&e) < 0) {
		fprintf(stderr, "%s\n", e.msg);
		return 1;
	}
	struct caps_seen after = own_caps();
	if (after.effective != (before.effective & KEPT))
		return 2;
	if (after.permitted != before.permitted || after.inheritable != before.inheritable)
		return 3;
	if (after.bounding != before.bounding || after.ambient != before.ambient)
		return 4;
	struct caps_seen program_after = caps_of_program();
	if (!same(&program_before, &program_after))
		return 5;
	if (caps_drop(&e) < 0)
		return 6;
	struct caps_seen again = own_caps();
	return same(&again, &after) ? 0 : 7;
}

/* Becomes another user that has capabilities by the ambient set, as a container with runAsUser. */
static int become_nobody(void)
{
	const uint64_t wanted = BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW);
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	data[0].effective = data[0].permitted = data[0].inheritable = (uint32_t)wanted;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -1;
	if (syscall(SYS_capset, &header, data) < 0)
		return -1;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) < 0)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
}

/* For nobody with NET_ADMIN in the ambient set; MKNOD and NET_RAW are in the bounding set alone. */
static int look_as_nobody(void)
{
	if (become_nobody() < 0 ||
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_NET_RAW, 0, 0) < 0)
		return -1;
	if (caps_of_child(CAPS_NET_ADMIN, NULL) != CAPS_HELD)
		return 1;
	if (caps_of_child(CAPS_MKNOD, "/bin/sh") != CAPS_FOR_ROOT)
		return 2;
	return caps_of_child(CAPS_NET_RAW, NULL) != CAPS_FOR_ROOT;
}

static int look_as_root(void)
{
	if (prctl(PR_CAPBSET_DROP, CAP_NET_RAW, 0, 0, 0) < 0)
		return -1;
	if (caps_of_child(CAPS_NET_RAW, NULL) != CAPS_ABSENT)
		return 1;
	return caps_of_child(CAPS_NET_ADMIN, NULL) != CAPS_HELD;
}

static int in_child(int (*fn)(void))
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int drop_as_nobody(void)
{
	if (become_nobody() < 0)
		return 20;
	struct caps_seen program = caps_of_program();
	if (program.effective != (BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW)))
		return 21;
	return drop_and_look();
}

static int drop_without_any(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	struct err e;
	if (syscall(SYS_capset, &header, data) < 0)
		return 1;
	return caps_drop(&e) < 0 ? 2 : 0;
}

static void programs_keep_all_when_run_by_root(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_and_look), 0);
}

static void programs_keep_the_ambient_ones_of_others(void **state)
{
	(void)state;
	struct caps_seen own = own_caps();
	uint64_t needed = BIT(CAP_SETUID) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW);
	if ((own.effective & needed) != needed)
		skip(); /* cannot become another user with these */
	assert_int_equal(in_child(drop_as_nobody), 0);
}

static void what_children_get_is_known(void **state)
{
	(void)state;
	uint64_t needed =
		BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_ADMIN) | BIT(CAP_NET_RAW);
	if ((own_caps().effective & needed) != needed ||
		(own_caps().bounding & BIT(CAP_MKNOD)) == 0)
		skip(); /* cannot become another user, or have less */
	assert_int_equal(in_child(look_as_root), 0);
	assert_int_equal(in_child(look_as_nobody), 0);
}

static void nothing_to_drop_is_fine(void **state)
{
	(void)state;
	assert_int_equal(in_child(drop_without_any), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_keep_all_when_run_by_root),
		cmocka_unit_test(programs_keep_the_ambient_ones_of_others),
		cmocka_unit_test(what_children_get_is_known),
		cmocka_unit_test(nothing_to_drop_is_fine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
