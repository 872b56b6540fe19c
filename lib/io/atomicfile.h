/*
 * Files that are either old or new, never half: temporary file in the same directory, fsync,
 * rename, fsync of the directory. And bounded reading of small files. Local files only: these calls
 * do disk I/O.
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
/* 0 also when it was not there. */
int atomicfile_remove(const char *path, struct err *e) MUST_CHECK;
/* mkdir -p with the mode for what is made. */
int atomicfile_make_dirs(const char *path, mode_t mode, struct err *e) MUST_CHECK;

#endif
