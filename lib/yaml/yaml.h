/*
 * YAML documents as JSON trees, read by libyaml: for files that people and other programs write,
 * such as a kubeconfig. Plain scalars become what kubectl makes of them: null, booleans, integers
 * (also 0x1f, 017), decimal numbers, else texts.
 *
 * One document; aliases are expanded, merge keys ("<<") and tags of one's own are refused, as are
 * two members of the same name. Text, depth and nodes have caps.
 */
#ifndef LIB_YAML_YAML_H
#define LIB_YAML_YAML_H

#include <stddef.h>

#include "lib/base/err.h"

#define YAML_TEXT_MAX (1024u * 1024)
#define YAML_NODES_MAX 100000 /* after expansion */

struct json;

/* Owned tree, or NULL with -EINVAL and the line, or -EMSGSIZE. An empty text is null. */
struct json *yaml_parse(const char *text, size_t len, struct err *e) MUST_CHECK;

#endif
