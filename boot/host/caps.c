#include "boot/host/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "lib/base/mem.h"

static const unsigned kept[] = {CAP_KILL, CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_NET_BIND_SERVICE};

static bool is_kept(unsigned cap)
{
	for (size_t i = 0; i < ARRAY_LEN(kept); i++) {
		if (kept[i] == cap)
			return true;
	}
	return false;
}

int caps_drop(struct err *e)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() != 0)
		return err_set_errno(e, errno != 0 ? -errno : -EIO, "read own capabilities");
	bool changed = false;
	for (unsigned cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (is_kept(cap) || capng_have_capability(CAPNG_EFFECTIVE, cap) == 0)
			continue;
		if (capng_update(CAPNG_DROP, CAPNG_EFFECTIVE, cap) != 0)
			return err_set(e, -EINVAL, "capability %u is unknown", cap);
		changed = true;
	}
	if (!changed)
		return 0;
	/* SELECT_CAPS leaves the bounding and ambient sets alone. */
	errno = 0;
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_set_errno(
			e, errno != 0 ? -errno : -EPERM, "drop effective capabilities");
	return 0;
}

enum caps_reach caps_of_child(enum caps_wanted wanted, const char *program)
{
	static const unsigned long numbers[] = {
		[CAPS_MKNOD] = CAP_MKNOD,
		[CAPS_NET_ADMIN] = CAP_NET_ADMIN,
		[CAPS_NET_BIND_SERVICE] = CAP_NET_BIND_SERVICE,
		[CAPS_NET_RAW] = CAP_NET_RAW,
	};
	unsigned long cap = numbers[wanted];
	if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) != 1)
		return CAPS_ABSENT;
	if (geteuid() == 0 || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, cap, 0, 0) == 1)
		return CAPS_HELD;
	bool counts_files = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0;
	bool has_any = program != NULL && getxattr(program, "security.capability", NULL, 0) > 0;
	return counts_files && has_any ? CAPS_HELD : CAPS_FOR_ROOT;
}

int caps_need_net_admin(struct err *e)
{
	capng_clear(CAPNG_SELECT_ALL);
	if (capng_get_caps_process() != 0)
		return err_set_errno(e, errno != 0 ? -errno : -EIO, "read own capabilities");
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0)
		return 0;
	return err_set(e, -EPERM,
		"the firewall needs the capability NET_ADMIN, which this container does not have: "
		"add it (Kubernetes: securityContext.capabilities.add, Docker: --cap-add "
		"NET_ADMIN)");
}
