/*
 * The part of a group that a user writes for its pods, spec.template: what is wrong with it, and
 * what it puts into the StatefulSet. Pure. Private to this folder.
 */
#ifndef CONTROLLER_PROXYGROUP_GROUP_TEMPLATE_H
#define CONTROLLER_PROXYGROUP_GROUP_TEMPLATE_H

#include "controller/proxygroup/group_view.h"

/* Adds a sentence for each fault of the group's spec, which names the field and what to do. */
void group_template_check(const struct group_view *v, struct strv *faults);
/* Values for the manifest of the StatefulSet that come from the template, the tailnet and the
 * settings. The group has no faults. */
void group_template_fill(const struct group_view *v, struct json *values);
/* Number of config Secrets that a pod mounts. */
int group_template_slots(const struct group_view *v);
/* A text that is another one when what a user gives to the pods is. Caller frees. */
char *group_template_origin(const struct group_view *v);

#endif
