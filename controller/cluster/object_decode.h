/*
 * Decoders of the structs of objects.h: each makes the data of a cache entry, and frees it. Private
 * to controller/cluster.
 */
#ifndef CONTROLLER_CLUSTER_OBJECT_DECODE_H
#define CONTROLLER_CLUSTER_OBJECT_DECODE_H

struct json;

void *object_tailnet_decode(const struct json *object);
void object_tailnet_free(void *data);
void *object_proxy_group_decode(const struct json *object);
void object_proxy_group_free(void *data);
void *object_service_decode(const struct json *object); /* NULL for one that concerns nobody */
void object_service_free(void *data);
void *object_pod_decode(const struct json *object);
void object_pod_free(void *data);
void *object_secret_decode(const struct json *object);
void object_secret_free(void *data); /* wipes */
void *object_stateful_set_decode(const struct json *object);
void object_stateful_set_free(void *data);
void *object_config_map_decode(const struct json *object);
void object_config_map_free(void *data);
void *object_slice_decode(const struct json *object);
void object_slice_free(void *data);
void *object_child_decode(const struct json *object);
void object_child_free(void *data);

#endif
