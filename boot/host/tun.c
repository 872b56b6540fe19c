#include "boot/host/tun.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/io/atomicfile.h"

/* Documentation/admin-guide/devices.txt of the kernel */
#define TUN_MAJOR 10
#define TUN_MINOR 200

static int make_node(const char *dir, const char *path, struct err *e)
{
	struct stat st;
	if (stat(dir, &st) < 0 && errno == ENOENT && atomicfile_make_dirs(dir, 0755, e) < 0)
		return e->code;
	if (stat(path, &st) == 0)
		return 0;
	/* The daemon reports any other failure to access the node. */
	if (errno != ENOENT)
		return 0;
	if (mknod(path, S_IFCHR | 0600, makedev(TUN_MAJOR, TUN_MINOR)) < 0 && errno != EEXIST)
		return err_set_errno(e, -errno, "mknod %s", path);
	return 0;
}

int tun_ensure(const struct settings *s, struct err *e)
{
	struct err reason;
	if (s->userspace)
		return 0;
	AUTO(mem_free) char *dir = settings_path(s, "/dev/net");
	AUTO(mem_free) char *path = settings_path(s, "/dev/net/tun");
	if (make_node(dir, path, &reason) < 0)
		return err_set(e, reason.code,
			"unable to create tuntap device file: %s: the tunnel needs it, and this "
			"container may not make it: " TUN_REMEDY,
			reason.msg);
	return 0;
}
