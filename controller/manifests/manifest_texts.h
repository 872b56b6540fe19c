/*
 * The texts of all manifests, made at build from the files of this folder. Private to it and its
 * tests.
 */
#ifndef CONTROLLER_MANIFESTS_MANIFEST_TEXTS_H
#define CONTROLLER_MANIFESTS_MANIFEST_TEXTS_H

#include <stddef.h>

struct manifest_text {
	const char *name; /* of the file, without .json */
	const char *text;
};

extern const struct manifest_text manifest_texts[];
extern const size_t manifest_texts_count;

#endif
