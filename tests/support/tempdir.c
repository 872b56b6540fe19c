#include "tests/support/tempdir.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/mem.h"

static void __attribute__((noreturn)) die(const char *what, const char *path)
{
	fprintf(stderr, "tempdir: %s %s: %s\n", what, path, strerror(errno));
	abort();
}

char *tempdir_new(void)
{
	const char *base = getenv("TMPDIR");
	char *dir = xasprintf(
		"%s/tailboot-test-XXXXXX", base != NULL && base[0] != '\0' ? base : "/tmp");
	if (mkdtemp(dir) == NULL)
		die("create", dir);
	return dir;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	if (remove(path) < 0 && errno != ENOENT)
		die("remove", path);
	return 0;
}

void tempdir_free(char *dir)
{
	if (dir == NULL)
		return;
	if (nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) < 0)
		die("remove", dir);
	free(dir);
}

void tempdir_freep(char **dir)
{
	tempdir_free(*dir);
	*dir = NULL;
}

char *tempdir_path(const char *dir, const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

void tempdir_write(const char *dir, const char *name, const char *text)
{
	AUTO(mem_free) char *path = tempdir_path(dir, name);
	for (char *slash = strchr(path + strlen(dir) + 1, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			die("create", path);
		*slash = '/';
	}
	FILE *f = fopen(path, "we");
	if (f == NULL)
		die("write", path);
	fputs(text, f);
	if (fclose(f) != 0)
		die("write", path);
}

char *tempdir_read(const char *dir, const char *name)
{
	AUTO(mem_free) char *path = tempdir_path(dir, name);
	FILE *f = fopen(path, "re");
	if (f == NULL && errno == ENOENT)
		return NULL;
	if (f == NULL)
		die("read", path);
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);
	if (to == NULL)
		die("read", path);
	char chunk[4096];
	size_t n;
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		fwrite(chunk, 1, n, to);
	if (ferror(f) || fclose(to) != 0)
		die("read", path);
	fclose(f);
	return text;
}
