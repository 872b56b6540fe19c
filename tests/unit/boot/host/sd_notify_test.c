#include "boot/host/sd_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "tests/support/tempdir.h"

/* A manager's socket; name begins with '@' for an abstract one. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(name);
	memcpy(address.sun_path, name, len);
	if (*name == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_true(fd >= 0);
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (*name != '@'));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void assert_message(int fd, const char *want)
{
	char text[4096];
	ssize_t n = recv(fd, text, sizeof(text) - 1, 0);
	if (want == NULL) {
		assert_int_equal(n, -1);
		return;
	}
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, want);
}

static void send_all(const char *name)
{
	struct err e;
	AUTO(fd_close) int fd = listen_at(name);
	struct sd_notify n = SD_NOTIFY_INIT;
	setenv("NOTIFY_SOCKET", name, 1);
	assert_int_equal(sd_notify_init(&n, &e), 0);
	assert_null(getenv("NOTIFY_SOCKET"));
	assert_true((fcntl(n.fd, F_GETFD) & FD_CLOEXEC) != 0);
	assert_true((fcntl(n.fd, F_GETFL) & O_NONBLOCK) != 0);
	sd_notify_ready(&n, NULL);
	assert_message(fd, "READY=1");
	sd_notify_ready(&n, "Running as a\nREADY=0");
	assert_message(fd, "READY=1\nSTATUS=Running as a READY=0");
	sd_notify_status(&n, "waiting");
	assert_message(fd, "STATUS=waiting");
	sd_notify_status(&n, NULL);
	assert_message(fd, NULL);
	sd_notify_stopping(&n, "SIGTERM");
	assert_message(fd, "STOPPING=1\nSTATUS=SIGTERM");
	sd_notify_fini(&n);
	assert_int_equal(n.fd, -1);
	sd_notify_ready(&n, NULL);
	assert_message(fd, NULL);
}

static void path_and_abstract_sockets(void **state)
{
	(void)state;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "notify");
	AUTO(mem_free) char *name = xasprintf("@tailboot-test-%d", (int)getpid());
	send_all(path);
	send_all(name);
}

static void without_a_manager_nothing_happens(void **state)
{
	(void)state;
	struct err e;
	struct sd_notify n;
	static const struct {
		const char *value;
		int want;
	} cases[] = {
		{NULL, 0},
		{"", 0},
		{"/", -EINVAL},
		{"@", -EINVAL},
		{"relative", -EINVAL},
		{"vsock:2:1234", -EINVAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		unsetenv("NOTIFY_SOCKET");
		if (cases[i].value != NULL)
			setenv("NOTIFY_SOCKET", cases[i].value, 1);
		assert_int_equal(sd_notify_init(&n, &e), cases[i].want);
		assert_int_equal(n.fd, -1);
		sd_notify_ready(&n, "x");
		sd_notify_fini(&n);
	}
	char longest[200];
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	setenv("NOTIFY_SOCKET", longest, 1);
	assert_int_equal(sd_notify_init(&n, &e), -ENAMETOOLONG);
	assert_int_equal(n.fd, -1);
}

static void a_status_is_sent_once(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "notify");
	AUTO(fd_close) int fd = listen_at(path);
	struct sd_notify n = SD_NOTIFY_INIT;
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(sd_notify_init(&n, &e), 0);
	sd_notify_status(&n, "waits");
	sd_notify_status(&n, "waits");
	sd_notify_ready(&n, "runs");
	sd_notify_status(&n, "runs");
	assert_message(fd, "STATUS=waits");
	assert_message(fd, "READY=1\nSTATUS=runs");
	assert_message(fd, NULL);
	/* One that was lost does not count. */
	AUTO(mem_free) char *away = tempdir_path(dir, "away");
	assert_int_equal(rename(path, away), 0);
	sd_notify_status(&n, "waits");
	assert_int_equal(rename(away, path), 0);
	sd_notify_status(&n, "waits");
	assert_message(fd, "STATUS=waits");
	assert_message(fd, NULL);
	sd_notify_fini(&n);
}

static void longest_names(void **state)
{
	(void)state;
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	memset(name, 'b', sizeof(name) - 1);
	name[0] = '@';
	name[sizeof(name) - 1] = '\0';
	send_all(name);
}

static void a_manager_that_does_not_read_blocks_nothing(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "notify");
	AUTO(fd_close) int fd = listen_at(path);
	struct sd_notify n = SD_NOTIFY_INIT;
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(sd_notify_init(&n, &e), 0);
	for (int i = 0; i < 1000; i++) {
		sd_notify_status(&n, "again");
		sd_notify_status(&n, "and again");
	}
	assert_message(fd, "STATUS=again");
	assert_message(fd, "STATUS=and again");
	unlink(path);
	errno = 7;
	sd_notify_status(&n, "nobody");
	assert_int_equal(errno, 7);
	sd_notify_fini(&n);
}

static void long_status_is_cut_between_characters(void **state)
{
	(void)state;
	struct err e;
	AUTO(tempdir_freep) char *dir = tempdir_new();
	AUTO(mem_free) char *path = tempdir_path(dir, "notify");
	AUTO(fd_close) int fd = listen_at(path);
	struct sd_notify n = SD_NOTIFY_INIT;
	char status[3001], text[4096];
	for (size_t i = 0; i < sizeof(status) - 1; i += 2)
		memcpy(status + i, "ä", 2);
	status[sizeof(status) - 1] = '\0';
	setenv("NOTIFY_SOCKET", path, 1);
	assert_int_equal(sd_notify_init(&n, &e), 0);
	/* One byte in front moves every boundary. */
	AUTO(mem_free) char *shifted = xasprintf("a%s", status);
	const char *const texts[] = {status, shifted};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		sd_notify_status(&n, texts[i]);
		ssize_t len = recv(fd, text, sizeof(text) - 1, 0);
		assert_in_range(len, 1000, 1024);
		assert_true(str_is_utf8(text, (size_t)len));
	}
	sd_notify_fini(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(path_and_abstract_sockets),
		cmocka_unit_test(without_a_manager_nothing_happens),
		cmocka_unit_test(a_status_is_sent_once),
		cmocka_unit_test(longest_names),
		cmocka_unit_test(a_manager_that_does_not_read_blocks_nothing),
		cmocka_unit_test(long_status_is_cut_between_characters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
