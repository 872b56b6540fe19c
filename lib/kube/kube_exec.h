/*
 * A plug-in of a kubeconfig that makes credentials: run at the start, a minute before they expire,
 * and after the server has refused them. What it says becomes the credentials of the access; until
 * it has said something, and while it fails, requests are sent with the former ones.
 *
 * A plug-in that takes longer than KUBE_EXEC_TIMEOUT_MS is ended; one that fails is run again with
 * back-off. It cannot ask anything: it has no input.
 *
 *	x = kube_exec_new(loop, procs, config.exec, config.access, on_end, me, &e);
 */
#ifndef LIB_KUBE_KUBE_EXEC_H
#define LIB_KUBE_KUBE_EXEC_H

#include "lib/kube/kube_config.h"

#define KUBE_EXEC_TIMEOUT_MS 60000
#define KUBE_EXEC_EARLY_S 60 /* before the credentials expire */

struct kube_exec;
struct loop;
struct proc_table;

/* The end of each run; err is NULL when there are new credentials. No text holds a secret. */
typedef void (*kube_exec_fn)(void *arg, const struct err *err);

/* Never NULL; loop, procs, spec and access are borrowed and outlive it. fn may be NULL. */
struct kube_exec *kube_exec_new(struct loop *loop, struct proc_table *procs,
	const struct kube_exec_spec *spec, struct kube_access *access, kube_exec_fn fn, void *arg);
void kube_exec_free(struct kube_exec *x); /* NULL is accepted */

struct kube_exec_answer {
	const char *token;           /* NULL = none; borrowed from the document */
	const char *certificate_pem; /* the same */
	const char *key_pem;
	int64_t expires; /* wall time, 0 = never */
};

/* Pure: an ExecCredential of this version. -EINVAL for one without credentials. */
int kube_exec_decode(const struct json *doc, const char *api_version, struct kube_exec_answer *out,
	struct err *e) MUST_CHECK;

#endif
