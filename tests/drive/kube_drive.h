/*
 * Shared by the files of kube_drive.
 */
#ifndef TESTS_DRIVE_KUBE_DRIVE_H
#define TESTS_DRIVE_KUBE_DRIVE_H

#include "lib/base/json.h"
#include "lib/kube/kube.h"
#include "lib/kube/kube_path.h"
#include "tests/drive/drive_line.h"

/* A kind from the members group, version, plural, kind, namespaced of a command; lives as long as
 * the program. */
const struct kube_resource *drive_resource(const struct json *command);

/* kube_drive_access.c: the context of a kubeconfig as the options of a client. */
int drive_kubeconfig(struct loop *loop, const char *path, struct kube_options *options,
	struct err *e) MUST_CHECK;

/* kube_drive_converge.c: {"do":"converge"} with a document: applied, unless it is contained. */
void drive_converge(struct kube *k, const struct json *command);

/* kube_drive_watch.c: {"do":"watch"}, {"do":"dump"}, {"do":"stop"} with an id. */
void drive_watch(struct kube *k, const struct json *command);
void drive_dump(const struct json *command);
void drive_stop(const struct json *command);

#endif
