/*
 * The service-account folder that kubelet mounts: namespace, CA and token. kubelet swaps the files
 * when it rotates the token, so each use checks whether they changed. Private to lib/kube.
 */
#ifndef LIB_KUBE_KUBE_ACCOUNT_H
#define LIB_KUBE_KUBE_ACCOUNT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "lib/base/buf.h"
#include "lib/base/err.h"
#include "lib/base/secret.h"

struct kube_account {
	char *token_path;
	char *ca_path;
	char *ns;
	struct secret token;
	struct buf ca;
	uint64_t token_generation;       /* grows with each new token */
	struct stat token_stat, ca_stat; /* of what is held */
};

/* Reads all three. -ENOENT names the file; -EINVAL for a CA file without a certificate. a must be
 * finished also after an error. */
int kube_account_init(struct kube_account *a, const char *dir, struct err *e) MUST_CHECK;
void kube_account_fini(struct kube_account *a);
/* Reads changed files again; a file that cannot be read keeps its previous value. force: reads the
 * token in any case. */
void kube_account_refresh(struct kube_account *a, bool force);

#endif
