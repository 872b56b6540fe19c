/*
 * Fields of an object in the cluster, for the decoders of objects.h. A field of another type counts
 * as absent; of our own kinds it is listed as a fault. Private to controller/cluster.
 *
 *	struct object_reader spec = object_reader(object, "spec", &faults);
 *	out->tailnet = object_text(&spec, "tailnet");
 */
#ifndef CONTROLLER_CLUSTER_OBJECT_READ_H
#define CONTROLLER_CLUSTER_OBJECT_READ_H

#include "controller/cluster/objects.h"
#include "lib/base/json.h"

#define OBJECT_ITEMS_MAX 1024 /* of a list of texts; more are dropped */

struct object_reader {
	const struct json *fields; /* NULL when there are none */
	const char *path;          /* "spec", for faults */
	struct strv *faults;       /* NULL: faults are of no interest */
};

/* Of a member of an object. */
struct object_reader object_reader(
	const struct json *object, const char *member, struct strv *faults);

/* "" when absent; the caller frees. */
char *object_text(const struct object_reader *r, const char *key);
int64_t object_number(const struct object_reader *r, const char *key, int64_t otherwise);
bool object_flag(const struct object_reader *r, const char *key, bool otherwise);
/* Adds the texts of a list. */
void object_texts(const struct object_reader *r, const char *key, struct strv *out);
/* A copy of an object or list, NULL without one. */
struct json *object_tree(const struct object_reader *r, const char *key, enum json_type type);
/* Of a list of named values, such as conditions: the value in `key` of the element whose type is
 * this; "" without one. */
char *object_condition(const struct json *status, const char *type, const char *key);

/* metadata. */
void object_read(const struct json *object, struct object *out);
void object_fini(struct object *o);

#endif
