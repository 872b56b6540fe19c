/*
 * One Secret, watched by its name: the few keys that are read of it. (private)
 */
#ifndef CONTROLLER_PLANES_PLANES_SECRET_H
#define CONTROLLER_PLANES_PLANES_SECRET_H

enum planes_secret_state {
	PLANES_SECRET_PENDING, /* no list has been complete */
	PLANES_SECRET_ABSENT,
	PLANES_SECRET_REFUSED, /* it must not be watched */
	PLANES_SECRET_PRESENT,
};

struct json;
struct kube;
struct planes_secret;

/* on_change: state or content is another one; from within the callback of a watch, so that the
 * Secret must not be freed there. ns and name are copied. */
struct planes_secret *planes_secret_new(
	struct kube *k, const char *ns, const char *name, void (*on_change)(void *arg), void *arg);
void planes_secret_free(struct planes_secret *s); /* NULL is accepted; wipes */
enum planes_secret_state planes_secret_state(const struct planes_secret *s);
const char *planes_secret_ns(const struct planes_secret *s);
const char *planes_secret_name(const struct planes_secret *s);
/* A Secret document with the keys that are read alone; NULL unless present. */
const struct json *planes_secret_document(const struct planes_secret *s);

#endif
