/*
 * Readiness and status for the service manager (systemd's protocol: datagrams with KEY=value lines
 * on the Unix socket named by NOTIFY_SOCKET, see sd_notify(3)). Without the variable every call
 * does nothing.
 *
 *	struct sd_notify notify = SD_NOTIFY_INIT;
 *	sd_notify_init(&notify, &e);
 *	sd_notify_ready(&notify, "Running as node.example.ts.net");
 *
 * Nothing blocks: a manager that does not read loses the message.
 */
#ifndef BOOT_HOST_SD_NOTIFY_H
#define BOOT_HOST_SD_NOTIFY_H

#include <sys/socket.h>
#include <sys/un.h>

#include "lib/base/err.h"

struct sd_notify {
	int fd; /* -1 = no service manager */
	struct sockaddr_un address;
	socklen_t address_len;
	char *status; /* sent last, NULL = none */
};

#define SD_NOTIFY_INIT ((struct sd_notify){.fd = -1})

/* Removes NOTIFY_SOCKET from the environment, so that the daemon does not report in our place. A
 * path that begins with '@' is an abstract socket. -EINVAL for an invalid socket name; then, as
 * without the variable, nothing is sent. */
int sd_notify_init(struct sd_notify *n, struct err *e) MUST_CHECK;
void sd_notify_fini(struct sd_notify *n);

/* The texts are one line; a line end in them becomes a blank. NULL = no status. Failures are not
 * reported. */
void sd_notify_ready(struct sd_notify *n, const char *status);
void sd_notify_stopping(struct sd_notify *n, const char *status);
/* Sent only when it differs from the one the manager has. */
void sd_notify_status(struct sd_notify *n, const char *status);

#endif
