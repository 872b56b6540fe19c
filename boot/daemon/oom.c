#include "boot/daemon/oom.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/io/atomicfile.h"

#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define COUNTER "oom_kill "

bool oom_parse_kills(const char *text, uint64_t *kills)
{
	struct err e;
	AUTO(strv_fini) struct strv lines = {0};
	str_split(text, '\n', &lines);
	for (size_t i = 0; i < lines.len; i++) {
		if (str_starts(lines.items[i], COUNTER))
			return str_to_u64(lines.items[i] + strlen(COUNTER), UINT64_MAX, kills,
				       &e) == 0;
	}
	return false;
}

static bool has_controller(const char *list, const char *controller)
{
	AUTO(strv_fini) struct strv names = {0};
	str_split(list, ',', &names);
	for (size_t i = 0; i < names.len; i++) {
		if (strcmp(names.items[i], controller) == 0)
			return true;
	}
	return names.len == 0 && controller[0] == '\0';
}

char *oom_parse_cgroup(const char *text, const char *controller)
{
	AUTO(strv_fini) struct strv lines = {0};
	str_split(text, '\n', &lines);
	for (size_t i = 0; i < lines.len; i++) {
		/* ID:CONTROLLERS:PATH */
		char *list = strchr(lines.items[i], ':');
		char *path = list != NULL ? strchr(list + 1, ':') : NULL;
		if (path == NULL)
			continue;
		*path++ = '\0';
		if (has_controller(list + 1, controller))
			return xstrdup(path);
	}
	return NULL;
}

static bool read_kills(const char *path, uint64_t *kills)
{
	struct err e;
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	return atomicfile_read(path, &text, &e) == 0 && oom_parse_kills(buf_cstr(&text), kills);
}

/* Our own cgroup, or the root of the mount: in a container that is ours, even if /proc says
 * otherwise. */
static bool find_in(struct oom *o, const char *mount, const char *cgroup, const char *file)
{
	AUTO(mem_free) char *own = xasprintf("%s%s/%s", mount, cgroup, file);
	AUTO(mem_free) char *top = xasprintf("%s/%s", mount, file);
	if (read_kills(own, &o->kills))
		o->path = STEAL(own);
	else if (read_kills(top, &o->kills))
		o->path = STEAL(top);
	return o->path != NULL;
}

void oom_find(struct oom *o, const char *root)
{
	struct err e;
	const char *base = strcmp(root, "/") == 0 ? "" : root;
	AUTO(buf_fini) struct buf text = BUF_INIT(FILE_MAX_BYTES);
	AUTO(mem_free) char *list = xasprintf("%s/proc/self/cgroup", base);
	AUTO(mem_free) char *mount_v1 = xasprintf("%s/sys/fs/cgroup/memory", base);
	AUTO(mem_free) char *mount_v2 = xasprintf("%s/sys/fs/cgroup", base);
	*o = (struct oom){0};
	if (atomicfile_read(list, &text, &e) < 0)
		return;
	AUTO(mem_free) char *v1 = oom_parse_cgroup(buf_cstr(&text), "memory");
	AUTO(mem_free) char *v2 = oom_parse_cgroup(buf_cstr(&text), "");
	if (v1 != NULL && find_in(o, mount_v1, v1, "memory.oom_control"))
		return;
	if (v2 != NULL)
		(void)find_in(o, mount_v2, v2, "memory.events");
}

void oom_fini(struct oom *o)
{
	free(o->path);
	*o = (struct oom){0};
}

void oom_mark(struct oom *o)
{
	if (o->path != NULL)
		(void)read_kills(o->path, &o->kills);
}

bool oom_has_killed(const struct oom *o)
{
	uint64_t now = 0;
	return o->path != NULL && read_kills(o->path, &now) && now > o->kills;
}
