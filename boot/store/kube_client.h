/*
 * The client of the API server as the settings describe it.
 */
#ifndef BOOT_STORE_KUBE_CLIENT_H
#define BOOT_STORE_KUBE_CLIENT_H

#include "lib/base/err.h"

struct fetcher;
struct kube;
struct loop;
struct resolver;
struct settings;

/* As kube_new. */
struct kube *kube_client_new(const struct settings *settings, struct loop *loop,
	struct fetcher *fetcher, struct resolver *resolver, struct err *e) MUST_CHECK;

#endif
