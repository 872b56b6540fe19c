/*
 * Files of credentials that others replace: read, and read again when they have changed. Private to
 * lib/kube.
 */
#ifndef LIB_KUBE_KUBE_FILE_H
#define LIB_KUBE_KUBE_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/buf.h"

#define KUBE_FILE_MAX (1024u * 1024)

/* Appends the content to out; seen receives what kube_file_has_changed compares. */
int kube_file_read(const char *path, struct buf *out, struct stat *seen, struct err *e) MUST_CHECK;
/* False also for a file that is not there. */
bool kube_file_has_changed(const char *path, const struct stat *seen);
/* Drops white space at the end. */
void kube_file_trim(struct buf *text);

#endif
