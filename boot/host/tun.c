#include "boot/host/tun.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "boot/settings/settings.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"

/* Documentation/admin-guide/devices.txt of the kernel */
#define TUN_MAJOR 10
#define TUN_MINOR 200
/* What tailscaled calls userspace mode. */
#define TUN_NONE "userspace-networking"

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

/* The value of the flag in a word, "" when it is the next word, NULL for other words. */
static const char *value_in(const char *word)
{
	size_t dashes = strspn(word, "-");
	if ((dashes != 1 && dashes != 2) || !str_starts(word + dashes, "tun"))
		return NULL;
	const char *value = word + dashes + strlen("tun");
	if (*value == '=')
		return value + 1;
	return *value == '\0' ? value : NULL;
}

/* The first of a list that is a device in kernel mode; NULL when there is none. */
static char *first_device(const char *list)
{
	while (*list != '\0') {
		size_t len = strcspn(list, ",");
		AUTO(mem_free) char *name = xstrndup(list, len);
		bool is_tap = strchr(name, ':') != NULL;
		if (len > 0 && len < IFNAMSIZ && !is_tap && strcmp(name, TUN_NONE) != 0)
			return STEAL(name);
		list += len + (list[len] == ',');
	}
	return NULL;
}

char *tun_name(const struct settings *s)
{
	AUTO(strv_fini) struct strv words = {0};
	const char *value = s->userspace ? TUN_NONE : TUN_NAME;
	str_words(s->tailscaled_extra_args, &words);
	for (size_t i = 0; i < words.len; i++) {
		const char *found = value_in(words.items[i]);
		if (found == NULL)
			continue;
		bool is_next = strchr(words.items[i], '=') == NULL;
		if (is_next && i + 1 == words.len)
			continue;
		value = is_next ? words.items[++i] : found;
	}
	return first_device(value);
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
