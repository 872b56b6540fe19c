#include "lib/kube/kube_path.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

/* Unreserved characters of RFC 3986 stay, all other bytes become %XX. */
static int append_escaped(struct buf *out, const char *text, struct err *e)
{
	for (const char *c = text; *c != '\0'; c++) {
		unsigned char byte = (unsigned char)*c;
		bool is_plain = byte < 0x80 && (isalnum(byte) || strchr("-._~", byte) != NULL);
		int code = is_plain ? buf_append(out, c, 1, e) : buf_printf(out, e, "%%%02X", byte);
		if (code < 0)
			return code;
	}
	return 0;
}

/* "/" and the part. */
static int append_part(struct buf *out, const char *what, const char *part, struct err *e)
{
	bool is_usable = part[0] != '\0' && strcmp(part, ".") != 0 && strcmp(part, "..") != 0;
	if (!is_usable)
		return err_set(e, -EINVAL, "%s \"%s\" cannot be a part of a path", what, part);
	if (buf_append_str(out, "/", e) < 0)
		return e->code;
	return append_escaped(out, part, e);
}

static int append_namespace(struct buf *out, const char *ns, struct err *e)
{
	if (buf_append_str(out, "/namespaces", e) < 0)
		return e->code;
	return append_part(out, "namespace", ns, e);
}

int kube_path_append(struct buf *out, const struct kube_target *target, struct err *e)
{
	const struct kube_resource *r = target->resource;
	bool is_core = r->group[0] == '\0';
	if (target->name != NULL && r->is_namespaced && target->ns == NULL)
		return err_set(e, -EINVAL, "%s %s without a namespace", r->kind, target->name);
	if (target->subresource != NULL && target->name == NULL)
		return err_set(e, -EINVAL, "%s of no %s", target->subresource, r->kind);
	if (buf_append_str(out, is_core ? "/api" : "/apis", e) < 0)
		return e->code;
	if (!is_core && append_part(out, "group", r->group, e) < 0)
		return e->code;
	if (append_part(out, "version", r->version, e) < 0)
		return e->code;
	if (r->is_namespaced && target->ns != NULL && append_namespace(out, target->ns, e) < 0)
		return e->code;
	if (append_part(out, "resource", r->plural, e) < 0)
		return e->code;
	if (target->name != NULL && append_part(out, "name", target->name, e) < 0)
		return e->code;
	if (target->subresource != NULL &&
		append_part(out, "subresource", target->subresource, e) < 0)
		return e->code;
	return 0;
}

int kube_path_query(struct buf *out, const char *key, const char *value, struct err *e)
{
	if (value == NULL)
		return 0;
	const char *separator = strchr(buf_cstr(out), '?') == NULL ? "?" : "&";
	if (buf_append_str(out, separator, e) < 0 || append_escaped(out, key, e) < 0 ||
		buf_append_str(out, "=", e) < 0)
		return e->code;
	return append_escaped(out, value, e);
}
