#include "lib/kube/kube_lease.h"

#include <errno.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/json.h"

const struct kube_resource kube_leases = {"coordination.k8s.io", "v1", "leases", "Lease", true};

/* A text of the record into its member; one that does not fit is never sent back cut. */
static int keep_text(const struct json *from, const char *key, char *to, size_t size, struct err *e)
{
	const char *text = "";
	if (json_get_str(from, key, &text, e) < 0)
		return e->code;
	if (strlen(text) >= size)
		return err_set(e, -EINVAL, "%s is longer than %zu bytes", key, size - 1);
	memcpy(to, text, strlen(text) + 1);
	return 0;
}

int kube_lease_decode(const struct json *object, struct kube_lease *out, struct err *e)
{
	const struct json *spec = json_get(object, "spec");
	*out = (struct kube_lease){0};
	if (keep_text(json_get(object, "metadata"), "resourceVersion", out->version,
		    sizeof(out->version), e) < 0 ||
		keep_text(spec, "holderIdentity", out->holder, sizeof(out->holder), e) < 0 ||
		keep_text(spec, "acquireTime", out->acquired, sizeof(out->acquired), e) < 0 ||
		keep_text(spec, "renewTime", out->renewed, sizeof(out->renewed), e) < 0 ||
		json_get_i64(spec, "leaseDurationSeconds", &out->duration_s, e) < 0 ||
		json_get_i64(spec, "leaseTransitions", &out->transitions, e) < 0)
		return err_wrap(e, "Lease");
	return 0;
}

struct json *kube_lease_document(const struct kube_lease *lease, const char *ns, const char *name)
{
	struct json *doc = json_new_object();
	struct json *metadata = json_new_object();
	struct json *spec = json_new_object();
	json_set_str(doc, "apiVersion", "coordination.k8s.io/v1");
	json_set_str(doc, "kind", kube_leases.kind);
	json_set_str(metadata, "namespace", ns);
	json_set_str(metadata, "name", name);
	if (lease->version[0] != '\0')
		json_set_str(metadata, "resourceVersion", lease->version);
	json_set_str(spec, "holderIdentity", lease->holder);
	json_set(spec, "leaseDurationSeconds", json_new_i64(lease->duration_s));
	json_set_str(spec, "acquireTime", lease->acquired);
	json_set_str(spec, "renewTime", lease->renewed);
	json_set(spec, "leaseTransitions", json_new_i64(lease->transitions));
	json_set(doc, "metadata", metadata);
	json_set(doc, "spec", spec);
	return doc;
}

/* The version says it, except for records of other servers that have none. */
static bool is_same(const struct kube_lease *a, const struct kube_lease *b)
{
	return strcmp(a->version, b->version) == 0 && strcmp(a->holder, b->holder) == 0 &&
	       strcmp(a->renewed, b->renewed) == 0 && a->transitions == b->transitions;
}

static bool is_ours(const struct kube_election *e)
{
	return e->seen.holder[0] != '\0' && strcmp(e->seen.holder, e->self) == 0;
}

void kube_election_see(struct kube_election *e, const struct kube_lease *lease, uint64_t now_ms)
{
	static const struct kube_lease none;
	if (lease == NULL)
		lease = &none;
	if (!e->has_seen || !is_same(&e->seen, lease))
		e->changed_ms = now_ms;
	e->seen = *lease;
	e->has_seen = true;
	if (!is_ours(e))
		e->leads = false;
}

enum kube_election_step kube_election_step(const struct kube_election *e, uint64_t now_ms)
{
	if (!e->has_seen)
		return KUBE_ELECTION_WAIT;
	if (e->seen.version[0] == '\0')
		return KUBE_ELECTION_CREATE;
	if (e->seen.holder[0] == '\0')
		return KUBE_ELECTION_ACQUIRE;
	if (is_ours(e))
		return KUBE_ELECTION_RENEW;
	int64_t duration_s = e->seen.duration_s;
	bool is_usual = duration_s > 0 && duration_s <= 3600;
	uint64_t duration_ms =
		(uint64_t)(is_usual ? duration_s : KUBE_LEASE_DURATION_S) * CLOCK_MS_PER_S;
	return now_ms - e->changed_ms >= duration_ms ? KUBE_ELECTION_ACQUIRE : KUBE_ELECTION_WAIT;
}

void kube_election_fill(const struct kube_election *e, enum kube_election_step step, time_t wall,
	struct kube_lease *out)
{
	*out = e->seen;
	out->duration_s = KUBE_LEASE_DURATION_S;
	kube_time_format_micro(wall, out->renewed);
	if (step == KUBE_ELECTION_RELEASE) {
		out->holder[0] = '\0';
		out->duration_s = 1;
		return;
	}
	if (step == KUBE_ELECTION_RENEW)
		return;
	/* The first holder is no change of holders. */
	out->transitions += step == KUBE_ELECTION_ACQUIRE;
	memcpy(out->holder, e->self, sizeof(out->holder));
	memcpy(out->acquired, out->renewed, sizeof(out->acquired));
}

void kube_election_lead(struct kube_election *e, const struct kube_lease *answer, uint64_t sent_ms)
{
	kube_election_see(e, answer, sent_ms);
	e->leads = is_ours(e);
	if (e->leads)
		e->renewed_ms = sent_ms;
}

bool kube_election_may_write(const struct kube_election *e, uint64_t now_ms)
{
	return e->leads && now_ms - e->renewed_ms < KUBE_LEASE_RENEW_MS;
}
