#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <fcntl.h>

#include "lib/base/mem.h"
#include "lib/io/proc.h"

/* 0, or the negative errno that running it would give. */
static int check_program(const char *path)
{
	struct stat info;

	if (stat(path, &info) < 0)
		return -errno;
	if (S_ISDIR(info.st_mode))
		return -EISDIR;
	if (!S_ISREG(info.st_mode))
		return -EACCES;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) < 0 ? -errno : 0;
}

static char *find_by_path(const char *name, struct err *e)
{
	int code = check_program(name);
	char *absolute;

	if (code == 0) {
		absolute = realpath(name, NULL);
		if (name[0] == '/' && absolute != NULL) {
			/* An absolute name stays as it is: links may choose the program's
			 * behaviour. */
			free(absolute);
			return xstrdup(name);
		}
		if (absolute != NULL)
			return absolute;
		code = -errno;
	}
	err_set_errno(e, code, "exec: \"%s\"", name);
	return NULL;
}

char *proc_find(const char *name, struct err *e)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return find_by_path(name, e);
	/* A relative or empty folder in PATH means the current one, from which nothing is
	 * executed. */
	while (path != NULL && *path && *name) {
		size_t len = strcspn(path, ":");

		if (path[0] == '/') {
			AUTO(mem_free) char *candidate = xasprintf("%.*s/%s", (int)len, path, name);

			if (check_program(candidate) == 0)
				return STEAL(candidate);
		}
		path += len;
		path += *path == ':';
	}
	err_set(e, -ENOENT, "exec: \"%s\": executable file not found in $PATH", name);
	return NULL;
}
