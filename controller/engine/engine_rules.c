#include "controller/engine/engine_diff.h"

#include "lib/base/mem.h"

#define POD "spec.template.spec."

const struct engine_rule engine_rules[] = {
	{"metadata.finalizers", ENGINE_SET, {NULL}},
	{"metadata.ownerReferences", ENGINE_KEYED, {"uid"}},
	/* Workloads. */
	{POD "containers", ENGINE_KEYED, {"name"}},
	{POD "containers.*.env", ENGINE_KEYED, {"name"}},
	{POD "containers.*.ports", ENGINE_KEYED, {"containerPort", "protocol=TCP"}},
	{POD "containers.*.volumeMounts", ENGINE_KEYED, {"mountPath"}},
	{POD "containers.*.resources.limits.*", ENGINE_QUANTITY, {NULL}},
	{POD "containers.*.resources.requests.*", ENGINE_QUANTITY, {NULL}},
	{POD "initContainers", ENGINE_KEYED, {"name"}},
	{POD "initContainers.*.env", ENGINE_KEYED, {"name"}},
	{POD "initContainers.*.ports", ENGINE_KEYED, {"containerPort", "protocol=TCP"}},
	{POD "initContainers.*.volumeMounts", ENGINE_KEYED, {"mountPath"}},
	{POD "initContainers.*.resources.limits.*", ENGINE_QUANTITY, {NULL}},
	{POD "initContainers.*.resources.requests.*", ENGINE_QUANTITY, {NULL}},
	{POD "imagePullSecrets", ENGINE_KEYED, {"name"}},
	{POD "topologySpreadConstraints", ENGINE_KEYED, {"topologyKey", "whenUnsatisfiable"}},
	{POD "volumes", ENGINE_KEYED, {"name"}},
	{POD "volumes.*.emptyDir.sizeLimit", ENGINE_QUANTITY, {NULL}},
	{"spec.volumeClaimTemplates.*.spec.resources.requests.*", ENGINE_QUANTITY, {NULL}},
	/* Services. */
	{"spec.ports", ENGINE_KEYED, {"port", "protocol=TCP"}},
};
_Static_assert(ARRAY_LEN(engine_rules) <= ENGINE_RULES_MAX, "a rule is a bit");
const size_t engine_rules_count = ARRAY_LEN(engine_rules);
