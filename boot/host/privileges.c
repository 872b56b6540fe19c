#include "boot/host/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/host/tun.h"
#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/proc.h"

#define TUN "/dev/net/tun"
/* The program that all legacy names of iptables are links to. */
#define LEGACY_PREFIX "xtables-legacy"

static int open_tun(void)
{
	AUTO(fd_close) int fd = open(TUN, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return fd < 0 ? -errno : 0;
}

static bool is_legacy(const char *program)
{
	char real[PATH_MAX];
	if (realpath(program, real) == NULL)
		return false;
	const char *slash = strrchr(real, '/');
	return slash != NULL && str_starts(slash + 1, LEGACY_PREFIX);
}

void privileges_read(const struct settings *s, struct privileges *out)
{
	struct err absent;
	*out = (struct privileges){0};
	if (strcmp(s->test_root, "/") != 0)
		return;
	AUTO(mem_free) char *daemon = proc_find("tailscaled", &absent);
	AUTO(mem_free) char *iptables = proc_find("iptables", &absent);
	out->uid = geteuid();
	out->net_admin = caps_of_child(CAPS_NET_ADMIN, daemon);
	out->net_raw = caps_of_child(CAPS_NET_RAW, daemon);
	out->tun_code = open_tun();
	out->iptables_is_legacy = iptables != NULL && is_legacy(iptables);
}

/* The daemon may have been given another device by its own argument. */
static bool has_device_argument(const struct settings *s)
{
	AUTO(strv_fini) struct strv words = {0};
	str_words(s->tailscaled_extra_args, &words);
	for (size_t i = 0; i < words.len; i++) {
		const char *word = words.items[i];
		if (str_starts(word, "-tun") || str_starts(word, "--tun"))
			return true;
	}
	return false;
}

static bool needs_device(const struct settings *s)
{
	return !s->userspace && !has_device_argument(s);
}

static const char *reason_of(const struct settings *s)
{
	const char *setting = settings_l3_setting(s);
	return setting != NULL ? setting : "kernel networking (TS_USERSPACE=false)";
}

/* A proxy has no other mode. */
static const char *other_mode(const struct settings *s)
{
	return settings_is_l3_proxy(s) ? "" : ", or set TS_USERSPACE=true";
}

static int refuse_net_admin(const struct settings *s, const struct privileges *p, struct err *e)
{
	if (p->net_admin == CAPS_FOR_ROOT)
		return err_set(e, -EPERM,
			"%s needs the capability NET_ADMIN for the tunnel device, its routes and "
			"the packet filter, and user %u does not have it: run the container as "
			"user 0, or give tailscaled the capability as one of its file%s",
			reason_of(s), p->uid, other_mode(s));
	return err_set(e, -EPERM,
		"%s needs the capability NET_ADMIN for the tunnel device, its routes and the "
		"packet filter, and this container does not have it: add it (Kubernetes: "
		"securityContext.capabilities.add, Docker: --cap-add NET_ADMIN)%s",
		reason_of(s), other_mode(s));
}

static int refuse_tun(const struct settings *s, int code, struct err *e)
{
	if (code == -EPERM || code == -EACCES)
		return err_set(e, code,
			"%s needs the device " TUN " for the tunnel, which this container may not "
			"open (%s): " TUN_REMEDY "%s",
			reason_of(s), strerror(-code), other_mode(s));
	return err_set(e, code,
		"%s needs the device " TUN " for the tunnel, and the kernel has none (%s): load "
		"the module tun on the host%s",
		reason_of(s), strerror(-code), other_mode(s));
}

int privileges_check(const struct settings *s, const struct privileges *p, struct err *e)
{
	if (s->userspace && settings_is_l3_proxy(s) && !s->test_fake_netfilter)
		return err_set(e, -EINVAL,
			"%s needs kernel networking, because its traffic goes through a tunnel "
			"device: set TS_USERSPACE=false and give the container the device "
			"/dev/net/tun and the capability NET_ADMIN",
			settings_l3_setting(s));
	if (!needs_device(s))
		return 0;
	if (p->net_admin != CAPS_HELD)
		return refuse_net_admin(s, p, e);
	bool is_there = p->tun_code != -ENOENT;
	return p->tun_code < 0 && is_there ? refuse_tun(s, p->tun_code, e) : 0;
}

const char *privileges_warning(const struct settings *s, const struct privileges *p)
{
	const char *mode = s->debug_firewall_mode;
	bool uses_iptables = *mode == '\0' || strcmp(mode, "iptables") == 0;
	if (!needs_device(s) || !uses_iptables || !p->iptables_is_legacy || p->net_raw == CAPS_HELD)
		return NULL;
	return "the packet filter of tailscaled needs the capability NET_RAW, because iptables of "
	       "this image is the legacy one, and tailscaled does not have it: set "
	       "TS_DEBUG_FIREWALL_MODE=nftables, or add it";
}
