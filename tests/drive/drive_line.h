/*
 * What all driven programs do: one command a line in (JSON), one event a line out.
 */
#ifndef TESTS_DRIVE_DRIVE_LINE_H
#define TESTS_DRIVE_DRIVE_LINE_H

#include <stdbool.h>

#include "lib/base/json.h"

struct loop;

typedef void (*drive_line_fn)(void *arg, const struct json *command);

/* Ends the program with the text when it is not ok. */
void drive_must(bool ok, const char *what);
/* Writes one event; its members are those of the object, which is freed. */
void drive_say(struct json *event_take);
/* A member of a command, NULL when there is none. */
const char *drive_text(const struct json *command, const char *key);
const char *drive_text_or(const struct json *command, const char *key, const char *otherwise);
/* Runs the loop until the standard input ends. */
void drive_run(struct loop *loop, drive_line_fn fn, void *arg);

#endif
