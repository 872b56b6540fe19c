#include "lib/kube/kube_file.h"

#include <errno.h>
#include <string.h>

#include "lib/io/atomicfile.h"

int kube_file_read(const char *path, struct buf *out, struct stat *seen, struct err *e)
{
	struct stat st = {0};
	/* Done before the read, so that a swap between the two is seen the next time. */
	if (stat(path, &st) < 0)
		return err_set_errno(e, -errno, "%s", path);
	if (atomicfile_read(path, out, e) < 0)
		return e->code;
	*seen = st;
	return 0;
}

bool kube_file_has_changed(const char *path, const struct stat *seen)
{
	struct stat now;
	return stat(path, &now) == 0 &&
	       (now.st_ino != seen->st_ino || now.st_dev != seen->st_dev ||
		       now.st_size != seen->st_size || now.st_mtim.tv_sec != seen->st_mtim.tv_sec ||
		       now.st_mtim.tv_nsec != seen->st_mtim.tv_nsec);
}

void kube_file_trim(struct buf *text)
{
	while (text->len > 0 && strchr(" \t\r\n", text->data[text->len - 1]) != NULL)
		text->data[--text->len] = '\0';
}
