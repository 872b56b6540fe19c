/*
 * What the controller must be allowed, as one table: the self-check at the start compares it with
 * what the API server says (SelfSubjectRulesReview, authorization.k8s.io/v1), and a
 * test compares it with the roles of the chart. Pure but for permissions_check.
 */
#ifndef CONTROLLER_PERMISSIONS_H
#define CONTROLLER_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/str.h"

struct buf;
struct json;
struct kube;
struct permissions_check;

struct permission {
	bool is_cluster_wide; /* else in the controller's namespace */
	const char *group, *resource;
	const char *verbs;  /* between blanks */
	const char *reason; /* for the document */
};

extern const struct permission permissions[];
extern const size_t permissions_len;

/* Pushes a rule to add for each row that the rules (status.resourceRules) do not cover, as YAML of
 * one line: `- {apiGroups: [""], resources: [pods], verbs: [patch]}`. */
void permissions_missing(
	const struct json *resource_rules, bool is_cluster_wide, struct strv *missing);

/* What is missing in one scope; err is NULL unless that cannot be known. */
typedef void (*permissions_fn)(
	void *arg, bool is_cluster_wide, const struct strv *missing, const struct err *err);

/* Asks for both scopes, calls fn once for each, ends by itself; from within this call for a request
 * that cannot be sent. ns: of the controller. */
struct permissions_check *permissions_check_new(
	struct kube *k, const char *ns, permissions_fn fn, void *arg);
void permissions_check_free(struct permissions_check *check); /* NULL is accepted */

/* The table as a document in Markdown. */
int permissions_describe(struct buf *out, struct err *e) MUST_CHECK;

#endif
