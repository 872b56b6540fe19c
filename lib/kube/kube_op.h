/*
 * Requests about one object or a collection: get, create, update, patch, apply, delete. Lists and
 * watches have modules of their own (kube_list.h, kube_watch.h).
 *
 * What must not be forgotten is refused without it: an update has the version of the object that
 * was read, a deletion the uid, an apply its field manager, a deletion of many their labels.
 *
 *	struct kube_op op = {.verb = KUBE_APPLY, .target = {&services, ns, name}, .body = doc,
 *		.field_manager = "…", .is_forced = true};
 *	call = kube_op_start(k, &op, on_reply, me, &e);
 *	in on_reply():  switch (kube_outcome(reply, err)) …
 */
#ifndef LIB_KUBE_KUBE_OP_H
#define LIB_KUBE_KUBE_OP_H

#include "lib/kube/kube.h"
#include "lib/kube/kube_path.h"

enum kube_patch {
	KUBE_PATCH_MERGE,
	KUBE_PATCH_JSON,
	KUBE_PATCH_STRATEGIC, /* kinds of the server's own only */
};

struct kube_op {
	enum kube_verb verb;
	struct kube_target target;
	const struct json *body;   /* the document or the patch */
	enum kube_patch patch;     /* of KUBE_PATCH */
	const char *field_manager; /* NULL = the server's choice */
	bool is_forced;            /* of KUBE_APPLY: fields of other managers become ours */
	bool is_dry_run;           /* checked, not stored */
	/* Deletions. */
	const char *uid;              /* of the incarnation that is meant */
	const char *resource_version; /* NULL = any */
	const char *propagation;      /* "Foreground", "Background", "Orphan"; NULL = default */
	const char *label_selector;   /* of KUBE_DELETE_MANY */
	uint32_t timeout_ms;          /* 0 = 30 s */
};

#define KUBE_OP_TIMEOUT_MS 30000

/* NULL with -EINVAL for one that cannot be sent. The callback is as with kube_start; a body that
 * holds a Secret is wiped. */
struct kube_call *kube_op_start(
	struct kube *k, const struct kube_op *op, kube_fn fn, void *arg, struct err *e) MUST_CHECK;

/* The parts of it: pure. */

/* "POST", "PATCH", … */
const char *kube_op_method(enum kube_verb verb);
int kube_op_path(const struct kube_op *op, struct buf *out, struct err *e) MUST_CHECK;
/* Text of the body, NULL when there is none; the caller wipes and frees it. */
char *kube_op_body(const struct kube_op *op);
/* 0, or -EINVAL for one without what it must have. */
int kube_op_check(const struct kube_op *op, struct err *e) MUST_CHECK;

#endif
