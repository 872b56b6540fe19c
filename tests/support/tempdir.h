/*
 * A temporary folder for one test, removed with its content. Every function ends the program with a
 * message when the system refuses, because no test can continue without the folder.
 *
 *	AUTO(tempdir_freep) char *dir = tempdir_new();
 *	tempdir_write(dir, "serve.json", "{}");
 */
#ifndef TESTS_SUPPORT_TEMPDIR_H
#define TESTS_SUPPORT_TEMPDIR_H

#include <stddef.h>

/* A fresh folder below TMPDIR or /tmp, mode 0700. Caller owns the path. */
char *tempdir_new(void);
/* Removes the tree and frees the path; NULL is fine. Links are removed, not followed. */
void tempdir_free(char *dir);
void tempdir_freep(char **dir); /* for AUTO */

/* "dir/name". Caller frees. */
char *tempdir_path(const char *dir, const char *name);
/* Creates or replaces a file in place; missing parent folders are created. */
void tempdir_write(const char *dir, const char *name, const char *text);
/* Whole content followed by NUL, or NULL when there is no such file. Caller frees. */
char *tempdir_read(const char *dir, const char *name);

#endif
