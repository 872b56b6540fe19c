/*
 * Removes secrets from texts of other programs: the command line tool prints the auth key in one of
 * its messages, and the control server may repeat its input.
 *
 * A secret is masked by its parts: words between white space (a stray line end in a key is printed
 * escaped, or not at all), and the text before '?' in a key with parameters. A part of fewer than
 * MASK_FREE_MIN bytes is masked only where it stands alone, because it would turn every other word
 * into noise without hiding anything. `file:PATH` is no secret.
 *
 * Keys that are exchanged while the program runs would add up: of the parts that are added after
 * mask_keep the newest MASK_LATER_MAX are known.
 *
 *	mask_add(&mask, &settings->authkey);
 *	AUTO(mem_free) char *shown = mask_text(&mask, said);
 */
#ifndef BOOT_OUTPUT_MASK_H
#define BOOT_OUTPUT_MASK_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/buf.h"
#include "lib/base/secret.h"

#define MASK_FREE_MIN 6
#define MASK_LATER_MAX ((size_t)64)

/* Zeroed is empty. */
struct mask {
	struct secret *parts; /* owned */
	size_t len;
	size_t kept; /* the first of them, for good */
	size_t longest;
};

/* Copies. An unset or already known secret adds nothing. */
void mask_add(struct mask *m, const struct secret *secret);
/* Values of the flags that carry credentials among the words of free arguments. True when there
 * were some. */
bool mask_add_arguments(struct mask *m, const char *words);
void mask_keep(struct mask *m); /* the parts added so far stay for good */
void mask_fini(struct mask *m); /* wipes; empty again */

/* Appends text with each run of secrets replaced by SECRET_SHOWN, and returns how many bytes of it
 * are done: all of them when it is whole; else all except a possible beginning of a secret, which
 * must be passed again with the following bytes. -EMSGSIZE or -ENOMEM from out. */
int mask_append(const struct mask *m, const char *text, size_t len, bool is_whole, struct buf *out,
	struct err *e) MUST_CHECK;
/* A whole text. Caller frees. */
char *mask_text(const struct mask *m, const char *text);

#endif
