/*
 * The way to the API server: the Pod's service account, or a context of a kubeconfig with its
 * plug-in. Watches have a connection of their own, so that a long list delays none.
 *
 *	AUTO(access_freep) struct access *a = access_new(loop, resolver, &settings, &e);
 *	access_kube(a)
 */
#ifndef CONTROLLER_ACCESS_H
#define CONTROLLER_ACCESS_H

#include "lib/base/err.h"

struct access;
struct fetcher;
struct kube;
struct loop;
struct proc_table;
struct resolver;
struct settings;

/* NULL with the error set, which names the file or the part of it. All are borrowed. procs runs
 * plug-ins. */
struct access *access_new(struct loop *loop, struct resolver *resolver, struct proc_table *procs,
	const struct settings *settings, struct err *e) MUST_CHECK;
void access_free(struct access *a); /* NULL is accepted */
struct kube *access_kube(const struct access *a);
/* "https://host:port", for the log. */
const char *access_server(const struct access *a);

#endif
