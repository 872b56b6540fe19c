/*
 * Errors: a code and a sentence, owned by the caller, of fixed size.
 *
 * A function that can fail takes a `struct err *` as its last parameter (never NULL) and returns 0
 * or the negative errno it also stored in the error. Both verbs return the code, so a failing
 * branch is one line:
 *
 *	if (fd < 0)
 *		return err_set(e, -errno, "open %s", path);
 *	if (thing_load(&thing, e) < 0)
 *		return err_wrap(e, "load serve config");
 *
 * Nothing is allocated and nothing is printed here.
 */
#ifndef LIB_BASE_ERR_H
#define LIB_BASE_ERR_H

#include <stdbool.h>

#define ERR_MSG_MAX 768

#define MUST_CHECK __attribute__((warn_unused_result))

struct err {
	int code; /* negative errno, 0 = no error */
	char msg[ERR_MSG_MAX];
};

/* Stores code and sentence. The text of an errno is not added: use err_set_errno for that. Cuts the
 * middle out of an overlong sentence. Returns code. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": strerror(-code)" added to the sentence. */
int err_set_errno(struct err *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before the sentence and keeps the code. Returns the code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);

/* The only place that decides whether to try again. Expects the negative errno that functions
 * return. True for peers that are busy, absent or restarting, for networks and addresses that are
 * down, for a kernel short of memory, buffers or descriptors, and for ESTALE: another writer
 * changed the object first, so read it again. False for every failure that lasts until a human or a
 * new setting changes it, EIO and ENOSPC included. */
bool err_is_transient(int code);

#endif
