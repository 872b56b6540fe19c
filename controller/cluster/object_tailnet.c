#include <stdlib.h>

#include "controller/cluster/object_decode.h"
#include "controller/cluster/object_read.h"
#include "lib/base/clock.h"
#include "lib/base/gotext.h"
#include "lib/base/mem.h"

#define SYNC_DEFAULT_S 300
#define SYNC_LEAST_S 30
#define SYNC_MOST_S 86400

static int64_t read_interval(const struct object_reader *spec, struct strv *faults)
{
	int64_t ns = 0;
	struct err e;
	AUTO(mem_free) char *text = object_text(spec, "syncInterval");
	if (text[0] == '\0')
		return SYNC_DEFAULT_S;
	if (gotext_duration(text, &ns, &e) < 0) {
		strv_pushf(faults, "spec.syncInterval: \"%.64s\" is no duration such as 5m", text);
		return SYNC_DEFAULT_S;
	}
	int64_t seconds = ns / CLOCK_NS_PER_MS / CLOCK_MS_PER_S;
	if (seconds >= SYNC_LEAST_S && seconds <= SYNC_MOST_S)
		return seconds;
	strv_pushf(faults, "spec.syncInterval: \"%.64s\" is not between 30s and 24h", text);
	return seconds < SYNC_LEAST_S ? SYNC_LEAST_S : SYNC_MOST_S;
}

static void read_spec(const struct json *object, struct object_tailnet *out)
{
	const struct object_reader spec = object_reader(object, "spec", &out->faults);
	out->control_plane = object_text(&spec, "controlPlane");
	out->tailnet = object_text(&spec, "tailnet");
	out->server_url = object_text(&spec, "serverURL");
	out->api_url = object_text(&spec, "apiURL");
	out->secret_name = object_text(&spec, "oauthSecretName");
	out->secret_ns = object_text(&spec, "oauthSecretNamespace");
	object_texts(&spec, "tags", &out->tags);
	object_texts(&spec, "proxyTags", &out->proxy_tags);
	out->domain = object_text(&spec, "domain");
	out->ca_secret_name = object_text(&spec, "caSecretName");
	out->sync_interval_s = read_interval(&spec, &out->faults);
}

static void read_status(const struct json *object, struct object_tailnet *out)
{
	const struct object_reader status = object_reader(object, "status", NULL);
	const struct object_reader info = object_reader(status.fields, "tailnetInfo", NULL);
	out->observed_generation = object_number(&status, "observedGeneration", 0);
	out->suffix = object_text(&info, "magicDNSSuffix");
	out->ready = object_condition(status.fields, "Ready", "status");
	out->ready_reason = object_condition(status.fields, "Ready", "reason");
	out->status = json_dup(status.fields);
}

void *object_tailnet_decode(const struct json *object)
{
	struct object_tailnet *out = xcalloc(1, sizeof(*out));
	object_read(object, &out->meta);
	read_spec(object, out);
	read_status(object, out);
	return out;
}

void object_tailnet_free(void *data)
{
	struct object_tailnet *t = data;
	object_fini(&t->meta);
	free(t->control_plane);
	free(t->tailnet);
	free(t->server_url);
	free(t->api_url);
	free(t->secret_name);
	free(t->secret_ns);
	strv_fini(&t->tags);
	strv_fini(&t->proxy_tags);
	free(t->domain);
	free(t->ca_secret_name);
	free(t->suffix);
	free(t->ready);
	free(t->ready_reason);
	json_free(t->status);
	strv_fini(&t->faults);
	free(t);
}
