/*
 * Atomic replacement of files: a reader sees the old or the new content, never a part. Written as a
 * temporary file in the same directory, then renamed. Also bounded reading of small files. Local
 * files only: these calls do disk I/O.
 *
 * Nothing is synced: fsync may take seconds on a slow disk and would hold up the loop. A crash of
 * the program loses nothing by that. When the machine itself loses power, some file systems come
 * back with the old content or an empty file: write only files that are written anew at the next
 * start.
 */
#ifndef LIB_IO_ATOMICFILE_H
#define LIB_IO_ATOMICFILE_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/base/buf.h"

int atomicfile_write(
	const char *path, const void *data, size_t len, mode_t mode, struct err *e) MUST_CHECK;
/* Appends the whole content to out; -EMSGSIZE past its cap, -ENOENT, -EISDIR… */
int atomicfile_read(const char *path, struct buf *out, struct err *e) MUST_CHECK;
/* Removes temporary files that a killed run has left in dir: regular files with a name that
 * atomicfile_write makes. A file that cannot be removed stays. */
void atomicfile_remove_stale(const char *dir);
/* 0 also when the file did not exist. */
int atomicfile_remove(const char *path, struct err *e) MUST_CHECK;
/* mkdir -p, with this mode for the directories it makes. */
int atomicfile_make_dirs(const char *path, mode_t mode, struct err *e) MUST_CHECK;

#endif
