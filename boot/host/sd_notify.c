#include "boot/host/sd_notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

#define MESSAGE_MAX 1024

static int set_address(struct sd_notify *n, const char *path, struct err *e)
{
	size_t len = strlen(path);
	if ((*path != '/' && *path != '@') || len < 2)
		return err_set(
			e, -EINVAL, "NOTIFY_SOCKET is no absolute path and no abstract name");
	if (len >= sizeof(n->address.sun_path))
		return err_set(e, -ENAMETOOLONG, "NOTIFY_SOCKET has more than %zu bytes",
			sizeof(n->address.sun_path) - 1);
	n->address = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(n->address.sun_path, path, len);
	n->address_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (*path == '@')
		n->address.sun_path[0] = '\0'; /* the length ends an abstract name */
	else
		n->address_len++;
	return 0;
}

int sd_notify_init(struct sd_notify *n, struct err *e)
{
	*n = SD_NOTIFY_INIT;
	const char *found = getenv("NOTIFY_SOCKET");
	if (found == NULL || *found == '\0')
		return 0;
	AUTO(mem_free) char *path = xstrdup(found);
	unsetenv("NOTIFY_SOCKET");
	if (set_address(n, path, e) < 0)
		return e->code;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd < 0)
		return err_set_errno(e, -errno, "socket for NOTIFY_SOCKET");
	return 0;
}

void sd_notify_fini(struct sd_notify *n)
{
	fd_close(&n->fd);
	free(n->status);
	*n = SD_NOTIFY_INIT;
}

static void send_message(struct sd_notify *n, const char *state, const char *status)
{
	char text[MESSAGE_MAX];
	if (n->fd < 0)
		return;
	int len = snprintf(text, sizeof(text), "%s", state);
	size_t start = (size_t)len;
	if (status != NULL) {
		len += snprintf(text + start, sizeof(text) - start, "%sSTATUS=%s",
			start > 0 ? "\n" : "", status);
		start += start > 0; /* keep the line end between the two */
	}
	size_t end = (size_t)len;
	if (end >= sizeof(text))
		end = str_cut(text, sizeof(text) - 1, sizeof(text) - 2);
	for (size_t i = start; i < end; i++) {
		if (text[i] == '\n' || text[i] == '\r')
			text[i] = ' ';
	}
	int saved = errno;
	ssize_t sent = sendto(n->fd, text, end, MSG_DONTWAIT | MSG_NOSIGNAL,
		(const struct sockaddr *)&n->address, n->address_len);
	errno = saved;
	/* A lost message is sent again at the next occasion. */
	if (sent >= 0 && status != NULL) {
		free(n->status);
		n->status = xstrdup(status);
	}
}

void sd_notify_ready(struct sd_notify *n, const char *status)
{
	send_message(n, "READY=1", status);
}

void sd_notify_stopping(struct sd_notify *n, const char *status)
{
	send_message(n, "STOPPING=1", status);
}

void sd_notify_status(struct sd_notify *n, const char *status)
{
	if (status != NULL && (n->status == NULL || strcmp(status, n->status) != 0))
		send_message(n, "", status);
}
