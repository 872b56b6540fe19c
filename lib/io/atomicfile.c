#include "lib/io/atomicfile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

/* Bytes of one read; names tried for the temporary file, as a crash under the same pid may leave
 * some. */
#define READ_SIZE ((size_t)16 * 1024)
#define NAME_TRIES 100
#define NAME_SIZE 64
#define NAME_START ".tailboot-"
#define NAME_END ".tmp"

/* The directory of path, and where in path the last part begins. */
static int open_directory_of(const char *path, const char **name, struct err *e)
{
	const char *slash = strrchr(path, '/');
	AUTO(mem_free) char *dir = NULL;

	*name = slash != NULL ? slash + 1 : path;
	if (**name == '\0')
		return err_set(e, -EISDIR, "write %s: not the name of a file", path);
	if (slash == NULL)
		dir = xstrdup(".");
	else
		dir = slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_set_errno(e, -errno, "open directory %s", dir) : fd;
}

/* A name of its own length, so that the longest permitted file name can be written too. */
static int open_temporary(int dir_fd, char name[NAME_SIZE], struct err *e)
{
	static unsigned int counter;
	int code = -EEXIST;

	for (int tries = 0; tries < NAME_TRIES && code == -EEXIST; tries++) {
		snprintf(name, NAME_SIZE, NAME_START "%d-%u" NAME_END, (int)getpid(), counter++);
		int fd = openat(
			dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0)
			return fd;
		code = -errno;
	}
	/* The name is left out: it differs each time, and a lasting failure must have one unchanged
	 * text. */
	return err_set_errno(e, code, "create a temporary file");
}

/* NAME_START, digits, "-", digits, NAME_END. */
static bool is_temporary(const char *name)
{
	static const char digits[] = "0123456789";
	if (!str_starts(name, NAME_START))
		return false;
	name += strlen(NAME_START);
	size_t pid = strspn(name, digits);
	if (pid == 0 || name[pid] != '-')
		return false;
	name += pid + 1;
	size_t number = strspn(name, digits);
	return number > 0 && strcmp(name + number, NAME_END) == 0;
}

void atomicfile_remove_stale(const char *dir)
{
	DIR *stream = opendir(dir);
	struct dirent *entry;
	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		struct stat info;
		if (is_temporary(entry->d_name) &&
			fstatat(dirfd(stream), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(info.st_mode))
			(void)unlinkat(dirfd(stream), entry->d_name, 0);
	}
	if (stream != NULL)
		closedir(stream);
}

static int write_all(int fd, const char *data, size_t len, struct err *e)
{
	while (len > 0) {
		ssize_t put = write(fd, data, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set_errno(e, -errno, "write");
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

static int fill_temporary(int *fd, const void *data, size_t len, mode_t mode, struct err *e)
{
	if (write_all(*fd, data, len, e) < 0)
		return e->code;
	/* Not with open, which applies the umask. */
	if (fchmod(*fd, mode) < 0)
		return err_set_errno(e, -errno, "set mode");
	/* Some file systems report a full disk or a quota only here. */
	int code = close(*fd) < 0 && errno != EINTR ? -errno : 0;
	*fd = -1;
	return code < 0 ? err_set_errno(e, code, "write") : 0;
}

int atomicfile_write(const char *path, const void *data, size_t len, mode_t mode, struct err *e)
{
	const char *name;
	AUTO(fd_close) int dir_fd = open_directory_of(path, &name, e);
	AUTO(fd_close) int fd = -1;
	char temporary[NAME_SIZE];

	if (dir_fd < 0)
		return e->code;
	fd = open_temporary(dir_fd, temporary, e);
	if (fd < 0)
		return err_wrap(e, "write %s", path);
	int code = fill_temporary(&fd, data, len, mode, e);
	if (code == 0 && renameat(dir_fd, temporary, dir_fd, name) < 0)
		code = err_set_errno(e, -errno, "rename");
	if (code < 0) {
		(void)unlinkat(dir_fd, temporary, 0);
		return err_wrap(e, "write %s", path);
	}
	return 0;
}

static int read_all(int fd, struct buf *out, struct err *e)
{
	for (;;) {
		size_t room = out->max - out->len < READ_SIZE ? out->max - out->len : READ_SIZE;
		char beyond;

		/* Read into the buffer itself, which its owner may wipe; at the cap one byte more
		 * shows whether the file is longer. */
		if (buf_reserve(out, room, e) < 0)
			return e->code;
		ssize_t got = room ? read(fd, out->data + out->len, room) : read(fd, &beyond, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(e, -errno, "read");
		if (got == 0)
			return 0;
		if (room == 0)
			return err_set(e, -EMSGSIZE, "more than %zu bytes", out->max);
		out->len += (size_t)got;
		out->data[out->len] = '\0';
	}
}

int atomicfile_read(const char *path, struct buf *out, struct err *e)
{
	/* O_NONBLOCK because open would block on a FIFO of that name. */
	AUTO(fd_close) int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	size_t start = out->len;
	struct stat info;

	if (fd < 0)
		return err_set_errno(e, -errno, "open %s", path);
	if (fstat(fd, &info) < 0)
		return err_set_errno(e, -errno, "stat %s", path);
	if (S_ISDIR(info.st_mode))
		return err_set_errno(e, -EISDIR, "read %s", path);
	if (!S_ISREG(info.st_mode))
		return err_set(e, -EINVAL, "read %s: not a regular file", path);
	if (read_all(fd, out, e) == 0)
		return 0;
	if (out->data) {
		explicit_bzero(out->data + start, out->len - start);
		out->len = start;
	}
	return err_wrap(e, "read %s", path);
}

int atomicfile_remove(const char *path, struct err *e)
{
	if (unlink(path) < 0 && errno != ENOENT)
		return err_set_errno(e, -errno, "remove %s", path);
	return 0;
}

static int make_dir(const char *path, mode_t mode, struct err *e)
{
	struct stat info;

	if (mkdir(path, mode) == 0) {
		/* The requested mode, independent of the umask. */
		if (chmod(path, mode) < 0)
			return err_set_errno(e, -errno, "set mode of %s", path);
		return 0;
	}
	if (errno != EEXIST)
		return err_set_errno(e, -errno, "create directory %s", path);
	if (stat(path, &info) < 0)
		return err_set_errno(e, -errno, "stat %s", path);
	if (!S_ISDIR(info.st_mode))
		return err_set_errno(e, -ENOTDIR, "create directory %s", path);
	return 0;
}

int atomicfile_make_dirs(const char *path, mode_t mode, struct err *e)
{
	AUTO(mem_free) char *prefix = xstrdup(path);
	char *end = prefix;
	struct stat info;

	if (*path == '\0')
		return err_set_errno(e, -ENOENT, "create directory \"\"");
	/* An existing directory is not touched: mkdir on a read-only file system may fail before it
	 * checks for one.
	 *  */
	if (stat(path, &info) == 0 && S_ISDIR(info.st_mode))
		return 0;
	while (*end) {
		end += strspn(end, "/");
		end += strcspn(end, "/");
		char saved = *end;
		*end = '\0';
		if ((stat(prefix, &info) < 0 || !S_ISDIR(info.st_mode)) &&
			make_dir(prefix, mode, e) < 0)
			return e->code;
		*end = saved;
	}
	return 0;
}
