#include "tests/support/tls_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define START_TRIES 500
#define START_PAUSE_NS (10 * 1000 * 1000)

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	abort();
}

/* Runs openssl with words separated by blanks, in the folder. */
static pid_t openssl(const char *dir, const char *command, bool waits)
{
	AUTO(strv_fini) struct strv argv = {0};
	strv_push(&argv, "openssl");
	str_words(command, &argv);
	pid_t pid = fork();
	must(pid >= 0, "tls_server: fork");
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (null < 0 || chdir(dir) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
			dup2(null, 2) < 0)
			_exit(126);
		execvp("openssl", argv.items);
		_exit(127);
	}
	int status = 0;
	if (waits) {
		must(waitpid(pid, &status, 0) == pid, "tls_server: waitpid");
		errno = ECHILD;
		must(status == 0, command);
	}
	return pid;
}

static void write_text(const char *dir, const char *name, const char *text)
{
	AUTO(mem_free) char *path = xasprintf("%s/%s", dir, name);
	FILE *file = fopen(path, "we");
	must(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0, path);
}

void tls_server_make_certificates(const char *dir)
{
	write_text(dir, "san.cnf", "subjectAltName=DNS:api.example,IP:127.0.0.1\n");
	openssl(dir,
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
		"-subj /CN=test-ca -keyout ca.key -out ca.pem",
		true);
	openssl(dir,
		"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
		"-subj /CN=other-ca -keyout other.key -out other.pem",
		true);
	openssl(dir,
		"req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
		"-subj /CN=server -keyout server.key -out server.csr",
		true);
	openssl(dir,
		"x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 "
		"-extfile san.cnf -out server.pem",
		true);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(port)};
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0, "tls_server: socket");
	return connect(fd, (struct sockaddr *)&at, sizeof(at));
}

static uint16_t free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	AUTO(fd_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	must(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
			getsockname(fd, (struct sockaddr *)&at, &len) == 0,
		"tls_server: free port");
	return ntohs(at.sin_port);
}

void tls_server_start(struct tls_server *s, const char *dir)
{
	const struct timespec pause = {.tv_nsec = START_PAUSE_NS};
	s->port = free_port();
	AUTO(mem_free)
	char *command = xasprintf(
		"s_server -www -verify 1 -verifyCAfile ca.pem -accept 127.0.0.1:%u -cert server.pem "
		"-key server.key",
		s->port);
	s->pid = openssl(dir, command, false);
	for (int i = 0; i < START_TRIES; i++) {
		if (connect_to(s->port) == 0)
			return;
		nanosleep(&pause, NULL);
	}
	must(false, "tls_server: not up");
}

void tls_server_stop(struct tls_server *s)
{
	if (s->pid <= 0)
		return;
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	s->pid = 0;
}
