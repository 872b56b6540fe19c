/*
 * The inotify side of a directory watch: one watch on the directory and one on each directory its
 * path goes through, as far as they exist, so that its creation, removal and replacement are seen.
 * Private to fswatch.c.
 *
 * What inotify cannot see, a mount over a directory or a switch inside the target of a symbolic
 * link, is found by fswatch_path_is_current, which compares file system and inode of each step.
 */
#ifndef LIB_IO_FSWATCH_PATH_H
#define LIB_IO_FSWATCH_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/inotify.h>
#include <sys/types.h>

struct fswatch_step {
	char *path;           /* the path up to here */
	const char *next_ref; /* name of the next part, in the next path; NULL in the last */
	int wd;               /* -1 without a watch */
	bool exists;          /* as a directory, when the path was last followed */
	dev_t device;
	ino_t inode;
};

struct fswatch_path {
	int fd; /* inotify, -1 while not open */
	struct fswatch_step *steps;
	size_t len;
};

/* What an event means; bits. */
enum fswatch_news {
	FSWATCH_NEWS_NONE = 0,
	FSWATCH_NEWS_CONTENT = 1, /* something in the directory may have changed */
	FSWATCH_NEWS_PATH = 2,    /* the path has to be followed anew */
};

void fswatch_path_init(struct fswatch_path *p, const char *directory);
void fswatch_path_fini(struct fswatch_path *p);
/* Follows the path anew with a fresh inotify descriptor. False, with nothing open, when inotify is
 * not available: the caller has to poll. */
bool fswatch_path_open(struct fswatch_path *p);
/* Closes the descriptor; remove its source from the loop before. */
void fswatch_path_close(struct fswatch_path *p);
/* The directory existed when the path was last followed. */
bool fswatch_path_exists(const struct fswatch_path *p);
/* Every step is unchanged since the path was last followed. */
bool fswatch_path_is_current(const struct fswatch_path *p);
/* Bits of enum fswatch_news. */
unsigned int fswatch_path_classify(const struct fswatch_path *p, const struct inotify_event *event);

#endif
