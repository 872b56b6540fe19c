/*
 * The log events of this folder: id, level, names of the arguments in order, text. Each folder has
 * a header of its own rows like this one (FOLDER/…_events.h).
 *
 * A row is a macro that expands to the first arguments of log_emit(), so the compiler checks the
 * arguments of each call against the text. Texts that users and dashboards match on keep the
 * reference's wording to the letter; nothing is ever appended to a text. docs/log-lines.md is
 * generated from these files.
 */
#ifndef LIB_BASE_LOG_EVENTS_H
#define LIB_BASE_LOG_EVENTS_H

/* clang-format off */

/* base: the log itself */
#define EV_LOG_REPEATED "log.repeated", LOG_LEVEL_WARNING, "count", "last message repeated %llu times"
#define EV_LOG_DROPPED "log.dropped", LOG_LEVEL_WARNING, "count", "lost %llu lines of the log, because nobody read it"

/* base: conditions */
#define EV_CONDITION_RAISED "condition.raised", LOG_LEVEL_WARNING, "code,reason,advice", "condition %s: %s (%s)"
#define EV_CONDITION_CHANGED "condition.changed", LOG_LEVEL_WARNING, "code,reason", "condition %s now: %s"
#define EV_CONDITION_CLEARED "condition.cleared", LOG_LEVEL_INFO, "code,seconds", "condition %s cleared after %llu s"
#define EV_CONDITION_WITHHELD "condition.withheld", LOG_LEVEL_WARNING, "code,count,reason", "condition %s changed %u more times within a minute, now: %s"
#define EV_CONDITION_UNLISTED "condition.unlisted", LOG_LEVEL_ERROR, "code", "condition %s is not in the table of this program, aborting"

/* clang-format on */

#endif
