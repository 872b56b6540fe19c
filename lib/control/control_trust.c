#include "lib/control/control_trust.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/pem.h"
#include "lib/io/atomicfile.h"

#define SYSTEM_FILE "/etc/ssl/certs/ca-certificates.crt"

static const char *system_file(void)
{
	const char *path = getenv("SSL_CERT_FILE");
	return path != NULL && path[0] != '\0' ? path : SYSTEM_FILE;
}

static int write_all(int fd, const char *data, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno != EINTR)
			return err_set_errno(e, -errno, "file of certificates in memory");
		if (n < 0)
			continue;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int control_trust_init(struct control_trust *t, const char *further, struct err *e)
{
	*t = (struct control_trust){.fd = -1};
	if (further == NULL || further[0] == '\0') {
		t->path = xstrdup(system_file());
		return 0;
	}
	AUTO(buf_fini) struct buf own = BUF_INIT(CONTROL_CA_MAX);
	AUTO(buf_fini) struct buf all = BUF_INIT(CONTROL_CA_MAX);
	size_t count;
	struct err ignored;
	if (pem_certificates(further, strlen(further), &own, &count, e) < 0)
		return err_wrap(e, "certificates of authorities");
	if (atomicfile_read(system_file(), &all, &ignored) < 0)
		buf_reset(&all);
	AUTO(fd_close) int fd = memfd_create("authorities", MFD_CLOEXEC);
	if (fd < 0)
		return err_set_errno(e, -errno, "file of certificates in memory");
	if (write_all(fd, buf_cstr(&all), all.len, e) < 0 || write_all(fd, "\n", 1, e) < 0 ||
		write_all(fd, buf_cstr(&own), own.len, e) < 0)
		return e->code;
	t->path = xasprintf("/proc/self/fd/%d", fd);
	t->fd = fd;
	fd = -1;
	return 0;
}

void control_trust_fini(struct control_trust *t)
{
	fd_close(&t->fd);
	free(t->path);
	*t = (struct control_trust){.fd = -1};
}
