/*
 * The service-account folder that kubelet mounts: namespace, CA and token. kubelet swaps the files
 * when it rotates the token, so each use checks whether they changed. Private to lib/kube.
 */
#ifndef LIB_KUBE_KUBE_ACCOUNT_H
#define LIB_KUBE_KUBE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "lib/kube/kube_access.h"

struct kube_account {
	struct kube_access access;
	char *token_path;
	char *ca_path;
	struct stat token_stat, ca_stat; /* of what is held */
};

/* Reads all three. -ENOENT names the file; -EINVAL for a CA file without a certificate. a must be
 * finished also after an error. */
int kube_account_init(struct kube_account *a, const char *dir, struct err *e) MUST_CHECK;
void kube_account_fini(struct kube_account *a);
/* Reads changed files again; a file that cannot be read keeps its previous value. force: reads the
 * token in any case. */
void kube_account_refresh(struct kube_account *a, bool force);

/* The same on the heap, as a source of a client. NULL with the error of kube_account_init. */
struct kube_access *kube_account_new(const char *dir, struct err *e) MUST_CHECK;

#endif
