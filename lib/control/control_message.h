/*
 * What a server says about a refusal, fit for an error: its own message where it sends one, on one
 * line, without secrets. Pure.
 */
#ifndef LIB_CONTROL_CONTROL_MESSAGE_H
#define LIB_CONTROL_CONTROL_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/secret.h"

#define CONTROL_MESSAGE_MAX 256

/* The message of an error's body: "message" (Tailscale, Headscale v1), "detail" and "title" (RFC
 * 7807), "error_description" and "error" (RFC 6749), or the first line of plain text; "" when there
 * is none. is_json: whether the body is a JSON object, or null. */
void control_message_read(
	const char *body, size_t len, char out[static CONTROL_MESSAGE_MAX], bool *is_json);
/* The member "error" of RFC 6749 is the text. */
bool control_message_has_error(const char *body, size_t len, const char *error);
/* Replaces the secret by ***, wherever it stands. */
void control_message_hide(char *text, const struct secret *secret);
/* The same for what looks like a key of Tailscale's or Headscale's. */
void control_message_hide_keys(char *text);

#endif
