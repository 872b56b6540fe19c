#include "lib/io/fswatch_path.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

/* Through symbolic links two steps may be the same directory. It has one watch, with the mask that
 * was set last: that of the last step, which includes the other. */
#define MASK_ON_THE_WAY                                                                 \
	(IN_ONLYDIR | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
		IN_DELETE_SELF | IN_MOVE_SELF)
#define MASK_DIRECTORY (MASK_ON_THE_WAY | IN_MODIFY | IN_CLOSE_WRITE)
/* The watched directory itself was removed or moved. */
#define EVENTS_OF_SELF (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED | IN_UNMOUNT)

static void add_step(struct fswatch_path *p, const char *path, size_t len)
{
	p->steps = xrealloc(p->steps, p->len + 1, sizeof(p->steps[0]));
	struct fswatch_step *step = &p->steps[p->len++];
	*step = (struct fswatch_step){.path = xstrndup(path, len), .wd = -1};
	if (p->len == 1)
		return;
	const char *slash = strrchr(step->path, '/');
	step[-1].next_ref = slash != NULL ? slash + 1 : step->path;
}

void fswatch_path_init(struct fswatch_path *p, const char *directory)
{
	const char *at = directory;

	*p = (struct fswatch_path){.fd = -1};
	add_step(p, directory[0] == '/' ? "/" : ".", 1);
	for (;;) {
		at += strspn(at, "/");
		if (*at == '\0')
			return;
		at += strcspn(at, "/");
		add_step(p, directory, (size_t)(at - directory));
	}
}

void fswatch_path_fini(struct fswatch_path *p)
{
	fswatch_path_close(p);
	for (size_t i = 0; i < p->len; i++)
		free(p->steps[i].path);
	free(p->steps);
	*p = (struct fswatch_path){.fd = -1};
}

void fswatch_path_close(struct fswatch_path *p)
{
	fd_close(&p->fd);
	for (size_t i = 0; i < p->len; i++)
		p->steps[i].wd = -1;
}

static bool look_at(const char *path, struct stat *info)
{
	return stat(path, info) == 0 && S_ISDIR(info->st_mode);
}

/* False when this kernel, its limits or a missing permission leave the directory unwatched. */
static bool watch_step(struct fswatch_path *p, size_t index)
{
	struct fswatch_step *step = &p->steps[index];
	bool last = index == p->len - 1;

	step->wd = inotify_add_watch(p->fd, step->path, last ? MASK_DIRECTORY : MASK_ON_THE_WAY);
	if (step->wd >= 0)
		return true;
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return true;
	case EACCES:
		/* A directory of the path may be searchable but not readable. */
		return !last || !step->exists;
	default:
		return false;
	}
}

/* From the root down, each step is watched before the next is looked up, so that one that appears
 * after the look-up is an event of the step above. */
bool fswatch_path_open(struct fswatch_path *p)
{
	bool watched = true;

	fswatch_path_close(p);
	p->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (size_t i = 0; i < p->len; i++) {
		struct fswatch_step *step = &p->steps[i];
		struct stat info;

		step->exists = false;
		if (i > 0 && !p->steps[i - 1].exists)
			continue;
		/* Watched before it is checked, and checked again in case it appeared in
		 * between. */
		watched = watched && p->fd >= 0 && watch_step(p, i);
		if (look_at(step->path, &info)) {
			step->exists = true;
			step->device = info.st_dev;
			step->inode = info.st_ino;
			if (step->wd < 0)
				watched = watched && p->fd >= 0 && watch_step(p, i);
		}
	}
	if (!watched || p->fd < 0)
		fswatch_path_close(p);
	return p->fd >= 0;
}

bool fswatch_path_exists(const struct fswatch_path *p)
{
	return p->steps[p->len - 1].exists;
}

bool fswatch_path_is_current(const struct fswatch_path *p)
{
	for (size_t i = 0; i < p->len; i++) {
		const struct fswatch_step *step = &p->steps[i];
		struct stat info;

		if (look_at(step->path, &info) != step->exists)
			return false;
		if (!step->exists)
			return true;
		if (info.st_dev != step->device || info.st_ino != step->inode)
			return false;
	}
	return true;
}

unsigned int fswatch_path_classify(const struct fswatch_path *p, const struct inotify_event *event)
{
	unsigned int news = FSWATCH_NEWS_NONE;

	if (event->mask & IN_Q_OVERFLOW)
		return FSWATCH_NEWS_CONTENT | FSWATCH_NEWS_PATH;
	for (size_t i = 0; i < p->len; i++) {
		const struct fswatch_step *step = &p->steps[i];

		if (step->wd < 0 || step->wd != event->wd)
			continue;
		if (event->mask & EVENTS_OF_SELF)
			news |= FSWATCH_NEWS_PATH;
		if (step->next_ref == NULL)
			news |= FSWATCH_NEWS_CONTENT;
		else if (event->len > 0 && strcmp(event->name, step->next_ref) == 0)
			news |= FSWATCH_NEWS_PATH;
	}
	return news;
}
