/*
 * Credentials of a kubeconfig: texts of it, or files that are read again. Private to kube_config.
 */
#ifndef LIB_KUBE_KUBE_CONFIG_ACCESS_H
#define LIB_KUBE_KUBE_CONFIG_ACCESS_H

#include <sys/stat.h>

#include "lib/kube/kube_config.h"

/* A part that may be a file. */
struct kube_config_part {
	char *path; /* NULL = it is no file */
	struct stat seen;
};

struct kube_config_access {
	struct kube_access access;
	struct kube_config_part ca_file, token_file, certificate_file, key_file;
	struct secret certificate, key;
	struct fetch_identity identity;
	void (*on_refusal)(void *arg);
	void *on_refusal_arg;
};

struct kube_config_access *kube_config_access_new(void);
/* Reads the files. */
int kube_config_access_read(struct kube_config_access *a, struct err *e) MUST_CHECK;

#endif
