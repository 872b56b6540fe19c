#include "boot/host/sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "boot/host/host_events.h"
#include "boot/settings/settings.h"
#include "lib/base/gotext.h"
#include "lib/base/ipaddr.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define IPV4_FORWARD "/proc/sys/net/ipv4/ip_forward"
#define IPV6_FORWARD "/proc/sys/net/ipv6/conf/all/forwarding"
#define BLANKS " \t\r\n"
#define VALUE_MAX 64  /* bytes of a switch that are read */
#define SHOWN_MAX 256 /* bytes of a path in a sentence */

static void add_family(struct sysctl_need *need, enum ipaddr_family family)
{
	if (family == IPADDR_V4)
		need->ipv4 = true;
	else
		need->ipv6 = true;
}

static int add_address(struct sysctl_need *need, const char *text, const char *what, struct err *e)
{
	struct ipaddr ip;
	if (*text == '\0')
		return 0;
	if (ipaddr_parse(text, &ip, e) < 0)
		return err_wrap(e, "%s", what);
	add_family(need, ip.family);
	return 0;
}

static int add_routes(struct sysctl_need *need, const char *routes, struct err *e)
{
	AUTO(strv_fini) struct strv parts = {0};
	if (*routes == '\0')
		return 0;
	str_split(routes, ',', &parts);
	for (size_t i = 0; i < parts.len; i++) {
		struct ipprefix route;
		if (ipprefix_parse(parts.items[i], &route, e) < 0)
			return err_wrap(e, "invalid subnet route");
		add_family(need, route.addr.family);
	}
	return 0;
}

int sysctl_forwarding_need(const struct settings *s, struct sysctl_need *need, struct err *e)
{
	*need = (struct sysctl_need){0};
	if (!settings_wants_forwarding(s))
		return 0;
	if (add_address(need, s->dest_ip, "invalid cluster destination IP", e) < 0)
		return e->code;
	if (add_address(need, s->tailnet_target_ip, "invalid tailnet destination IP", e) < 0)
		return e->code;
	/* A peer is reached by its IPv4 address. A DNS name has no family before it is resolved. */
	if (*s->tailnet_target_fqdn != '\0')
		need->ipv4 = true;
	return add_routes(need, s->routes.text, e);
}

/* Reads a switch without the blanks around its value. */
static int read_switch(const char *path, char value[static VALUE_MAX], struct err *e)
{
	char shown[SHOWN_MAX];
	gotext_quote(path, shown, sizeof(shown));
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, value, VALUE_MAX - 1);
	if (n < 0)
		return err_set_errno(e, -errno, "reading %s", shown);
	while (n > 0 && strchr(BLANKS, value[n - 1]) != NULL)
		n--;
	value[n] = '\0';
	size_t start = strspn(value, BLANKS);
	memmove(value, value + start, (size_t)n + 1 - start);
	return 0;
}

static int write_switch(const char *path, struct err *e)
{
	char shown[SHOWN_MAX];
	gotext_quote(path, shown, sizeof(shown));
	AUTO(fd_close) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || write(fd, "1", 1) < 0)
		return err_set_errno(e, -errno, "enabling %s", shown);
	return 0;
}

static int enable(const struct settings *s, const char *name, struct err *e)
{
	char value[VALUE_MAX];
	AUTO(mem_free) char *path = settings_path(s, name);
	if (read_switch(path, value, e) < 0)
		return e->code;
	return strcmp(value, "1") == 0 ? 0 : write_switch(path, e);
}

int sysctl_enable_forwarding(
	const struct settings *s, const struct sysctl_need *need, struct err *e)
{
	if (need->ipv4 && enable(s, IPV4_FORWARD, e) < 0)
		return e->code;
	if (need->ipv6 && enable(s, IPV6_FORWARD, e) < 0)
		return e->code;
	return 0;
}

static bool is_on(const struct settings *s, const char *name)
{
	struct err unused;
	char value[VALUE_MAX];
	AUTO(mem_free) char *path = settings_path(s, name);
	return read_switch(path, value, &unused) == 0 && strcmp(value, "1") == 0;
}

bool sysctl_is_forwarding(const struct settings *s, const struct sysctl_need *need)
{
	return (!need->ipv4 || is_on(s, IPV4_FORWARD)) && (!need->ipv6 || is_on(s, IPV6_FORWARD));
}

static int may_enable(const struct settings *s, const char *name, struct err *e)
{
	AUTO(mem_free) char *path = settings_path(s, name);
	if (is_on(s, name) || access(path, W_OK) == 0)
		return 0;
	return err_set_errno(e, -errno, "%s", path);
}

int sysctl_may_enable(const struct settings *s, const struct sysctl_need *need, struct err *e)
{
	if (need->ipv4 && may_enable(s, IPV4_FORWARD, e) < 0)
		return e->code;
	if (need->ipv6 && may_enable(s, IPV6_FORWARD, e) < 0)
		return e->code;
	return 0;
}

static const char in_kubernetes[] =
	"you can either set the sysctls as a privileged initContainer, or run the tailscale "
	"container "
	"with privileged=true.";
static const char elsewhere[] =
	"you can fix this by running the container with privileged=true, or the equivalent in your "
	"container runtime that permits access to sysctls.";

int sysctl_prepare(const struct settings *s, struct err *e)
{
	struct sysctl_need need;
	/* A setting that cannot be read is not caused by missing rights. */
	if (sysctl_forwarding_need(s, &need, e) < 0) {
		log_event(EV_FORWARDING_FAILED, e->msg);
		return e->code;
	}
	int code = sysctl_enable_forwarding(s, &need, e);
	if (code == 0)
		return 0;
	log_event(EV_FORWARDING_FAILED, e->msg);
	log_event(EV_FORWARDING_NEEDED);
	if (s->in_kubernetes)
		log_event(EV_FORWARDING_SYSCTLS);
	else
		log_event(EV_FORWARDING_HINT);
	return err_set(e, code, "%s", s->in_kubernetes ? in_kubernetes : elsewhere);
}
