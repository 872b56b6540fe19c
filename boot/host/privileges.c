#include "boot/host/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "boot/host/tun.h"
#include "boot/settings/settings.h"
#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"
#include "lib/io/proc.h"

#define TUN "/dev/net/tun"
#define PORT_START "/proc/sys/net/ipv4/ip_unprivileged_port_start"
#define HTTP_PORT 80
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

/* When it cannot be read, ports are as free as in a container that says so. */
static bool has_reserved_ports(void)
{
	struct err unknown;
	uint64_t first;
	AUTO(buf_fini) struct buf text = BUF_INIT(64);
	if (atomicfile_read(PORT_START, &text, &unknown) < 0)
		return false;
	while (text.len > 0 && text.data[text.len - 1] == '\n')
		text.data[--text.len] = '\0';
	return str_to_u64(buf_cstr(&text), UINT16_MAX + 1, &first, &unknown) == 0 &&
	       first > HTTP_PORT;
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
	out->net_bind_service = caps_of_child(CAPS_NET_BIND_SERVICE, daemon);
	out->has_reserved_ports = has_reserved_ports();
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

static bool lacks_packet_filter(const struct settings *s, const struct privileges *p)
{
	const char *mode = s->debug_firewall_mode;
	bool uses_iptables = *mode == '\0' || strcmp(mode, "iptables") == 0;
	return needs_device(s) && uses_iptables && p->iptables_is_legacy && p->net_raw != CAPS_HELD;
}

/* For peers it needs no socket, for others it opens one. */
static bool lacks_served_ports(const struct settings *s, const struct privileges *p)
{
	return s->proxy_cluster_traffic_via_ingress && p->has_reserved_ports &&
	       p->net_bind_service != CAPS_HELD;
}

const char *privileges_warning(const struct settings *s, const struct privileges *p, size_t i)
{
	const char *found[2] = {0};
	size_t count = 0;
	if (lacks_packet_filter(s, p))
		found[count++] =
			"the packet filter of tailscaled needs the capability NET_RAW, because "
			"iptables of this image is the legacy one, and tailscaled does not have "
			"it: set TS_DEBUG_FIREWALL_MODE=nftables, or add it";
	if (lacks_served_ports(s, p))
		found[count++] =
			"EXPERIMENTAL_ALLOW_PROXYING_CLUSTER_TRAFFIC_VIA_INGRESS needs the "
			"capability NET_BIND_SERVICE for served ports below 1024, and tailscaled "
			"does not have it: add it, or "
			"set the sysctl net.ipv4.ip_unprivileged_port_start=0 for the Pod";
	return i < count ? found[i] : NULL;
}
