#include "lib/base/condition.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/str.h"

/* Room for one character more than fits, so that the place of the cut can be judged. */
#define SCRATCH (CONDITION_REASON_MAX + 4)

struct fact {
	const char *name;
	const char *meaning;
	const char *advice;
};

#define ROW(code, name_, meaning_, advice_) \
	[CONDITION_##code] = {.name = (name_), .meaning = (meaning_), .advice = (advice_)}

static const struct fact facts[CONDITION_COUNT] = {
	ROW(KEY_MISSING, "KeyMissing",
		"The node has no auth key and waits for an interactive login",
		"set an auth key, or register the node at the control server"),
	ROW(KEY_USED, "KeyUsed", "The auth key was for one use and has been used before",
		"use a fresh or a reusable key"),
	ROW(KEY_EXPIRED, "KeyExpired", "The auth key has expired", "use a fresh key"),
	ROW(KEY_INVALID, "KeyInvalid", "The control server does not know the auth key",
		"check that the key belongs to this control server, or use a fresh key"),
	ROW(KEY_MALFORMED, "KeyMalformed", "The text given as auth key is not an auth key",
		"correct the secret: look for a cut-off key or a trailing line end"),
	ROW(KEY_NEEDS_TAGS, "KeyNeedsTags", "An OAuth secret is used as auth key without tags",
		"set --advertise-tags in the extra arguments"),
	ROW(TAG_NOT_PERMITTED, "TagNotPermitted", "A requested tag is not permitted for this node",
		"permit the tag in the policy, or remove it from the settings"),
	ROW(HOSTNAME_INVALID, "HostnameInvalid", "The host name is not a valid DNS label",
		"correct the host name"),
	ROW(SETTINGS_CONFLICT, "SettingsConflict", "Flags of an earlier login were not given again",
		"give all flags again, or add --reset to the extra arguments"),
	ROW(NEEDS_APPROVAL, "NeedsApproval", "The node waits for approval by an administrator",
		"approve the device at the control server"),
	ROW(NODE_LOCKED, "NodeLocked", "The key of the node is not signed for the locked network",
		"sign the node key from a signing node"),
	ROW(NODE_KEY_EXPIRED, "NodeKeyExpired", "The key of the node itself has expired",
		"provide a valid auth key, or disable key expiry for the device"),
	ROW(DEVICE_DELETED, "DeviceDeleted", "The device was deleted at the control server",
		"provide a valid auth key to register it again"),
	ROW(STOPPED, "Stopped", "The node was stopped by hand", "run tailscale up"),
	ROW(LOGGED_OUT, "LoggedOut", "The node was logged out", "provide a valid auth key"),
	ROW(LOGIN_REFUSED, "LoginRefused", "The control server refused the login",
		"see the reason given by the control server"),
	ROW(CONTROL_UNREACHABLE, "ControlUnreachable", "The control server cannot be reached",
		"check address, routes and network policy; it heals by itself"),
	ROW(CONTROL_NAME_UNKNOWN, "ControlNameUnknown",
		"The name of the control server cannot be resolved",
		"check the login server's name and the cluster DNS"),
	ROW(CONTROL_TLS_UNTRUSTED, "ControlTLSUntrusted",
		"The certificate of the control server is from an unknown authority",
		"provide the CA with SSL_CERT_FILE and restart"),
	ROW(CONTROL_TLS_EXPIRED, "ControlTLSExpired",
		"The certificate of the control server is not valid at this time",
		"renew the certificate of the control server"),
	ROW(CONTROL_TLS_WRONG_HOST, "ControlTLSWrongHost",
		"The certificate of the control server is for another name",
		"correct the login server's name or its certificate"),
	ROW(CONTROL_RATE_LIMITED, "ControlRateLimited",
		"The control server limits the rate of requests", "wait; it heals by itself"),
	ROW(CONTROL_ERROR, "ControlError", "The control server answers with errors",
		"check the login server's address and its log"),
	ROW(CONTROL_LOST, "ControlLost", "The connection to the control server was lost",
		"check the control server and the network; it heals by itself"),
	ROW(CLOCK_SKEW, "ClockSkew", "The clock of this machine is wrong",
		"correct the clock of the host"),
	ROW(NETWORK_DOWN, "NetworkDown", "All network links are down",
		"check the network of the pod; it heals by itself"),
	ROW(STATE_STORE_FAILED, "StateStoreFailed",
		"The state of the node cannot be read or written",
		"check the storage or the permissions on the state secret, then restart"),
	ROW(STATE_LOST, "StateLost", "The state of the node is gone or belongs to another node",
		"restore the state, or provide a fresh auth key"),
	ROW(DAEMON_DOWN, "DaemonDown", "tailscaled is not running",
		"see its last log lines; it is started again"),
	ROW(DAEMON_CRASH_LOOP, "DaemonCrashLoop", "tailscaled ends again and again",
		"see its last log lines"),
	ROW(BUS_LOST, "BusLost", "The stream of notifications from tailscaled has ended",
		"it is opened again by itself"),
	ROW(NOT_RUNNING, "NotRunning", "The node is not in state Running",
		"see the other conditions"),
	ROW(STORE_WRITE_FAILED, "StoreWriteFailed", "The published fields cannot be written",
		"check the API server and the permissions on the Secret; it is tried again"),
	ROW(CONFIG_INVALID, "ConfigInvalid", "The configuration file cannot be used",
		"correct the file"),
	ROW(CONFIG_RELOAD_FAILED, "ConfigReloadFailed",
		"tailscaled did not take over the changed configuration",
		"correct the configuration; the one before stays in force"),
	ROW(SERVE_CONFIG_INVALID, "ServeConfigInvalid", "The serve configuration cannot be used",
		"correct the file; the one before stays in force"),
	ROW(SERVE_APPLY_FAILED, "ServeApplyFailed",
		"tailscaled did not take over the serve configuration",
		"see the reason; it is tried again"),
	ROW(ADVERTISE_FAILED, "AdvertiseFailed", "The services could not be advertised",
		"see the reason; it is tried again"),
	ROW(CERT_FAILED, "CertFailed", "A certificate could not be obtained",
		"check that HTTPS is enabled for the network; it is tried again"),
	ROW(KEY_REISSUE_PENDING, "KeyReissuePending", "A fresh auth key was asked for",
		"the operator provides it: see that it is running"),
	ROW(FIREWALL_FAILED, "FirewallFailed", "The firewall rules could not be written",
		"see the reason; what stood before goes on, and it is tried again"),
	ROW(FORWARDING_OFF, "ForwardingOff",
		"The kernel does not forward packets of a family in use",
		"allow the container to write the switch that is named, or switch it on outside"),
	ROW(EGRESS_CONFIG_INVALID, "EgressConfigInvalid", "The egress services could not be read",
		"mend the file; what stood before goes on"),
	ROW(EGRESS_SERVICE_FAILED, "EgressServiceFailed", "An egress service cannot be carried out",
		"see the reason for the service and the field; other services go on"),
	ROW(EGRESS_TARGET_UNKNOWN, "EgressTargetUnknown",
		"The target in the tailnet cannot be found or reached",
		"check its name and that access rules let this node see it"),
	ROW(INGRESS_CONFIG_INVALID, "IngressConfigInvalid",
		"The ingress services could not be read",
		"mend the file; what stood before goes on"),
	ROW(INGRESS_SERVICE_FAILED, "IngressServiceFailed",
		"An ingress service cannot be carried out",
		"see the reason for the service and the field; other services go on"),
	ROW(INGRESS_TARGET_FAILED, "IngressTargetFailed",
		"The target in the cluster cannot be reached from this node",
		"give the node an address of the target's family"),
	ROW(DEST_NAME_UNRESOLVED, "DestNameUnresolved",
		"The DNS name of the cluster target could not be resolved",
		"check the name and the DNS servers; the last known backends go on"),
};

const char *condition_name(enum condition_code code)
{
	return facts[code].name;
}

const char *condition_meaning(enum condition_code code)
{
	return facts[code].meaning;
}

const char *condition_advice(enum condition_code code)
{
	return facts[code].advice;
}

/* One line without control characters, no blanks at the end, the meaning where there is no reason.
 */
static void __attribute__((format(printf, 3, 0)))
format_reason(char scratch[static SCRATCH], enum condition_code code, const char *fmt, va_list args)
{
	if (vsnprintf(scratch, SCRATCH, fmt, args) < 0)
		scratch[0] = '\0';
	size_t len = str_cut(scratch, strlen(scratch), CONDITION_REASON_MAX - 1);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)scratch[i];
		if (c < ' ' || c == 0x7f)
			scratch[i] = ' ';
	}
	while (len > 0 && scratch[len - 1] == ' ')
		len--;
	scratch[len] = '\0';
	if (len == 0)
		snprintf(scratch, CONDITION_REASON_MAX, "%s", facts[code].meaning);
}

void condition_raise(struct condition_set *set, enum condition_code code, const char *fmt, ...)
{
	struct condition *c = &set->items[code];
	char reason[SCRATCH];
	va_list args;
	va_start(args, fmt);
	format_reason(reason, code, fmt, args);
	va_end(args);
	if (c->raised && strcmp(c->reason, reason) == 0)
		return;
	c->transitions++;
	memcpy(c->reason, reason, sizeof(c->reason));
	if (c->raised) {
		log_event(EV_CONDITION_CHANGED, facts[code].name, c->reason);
		return;
	}
	c->raised = true;
	c->since_ms = clock_now_ms();
	log_event(EV_CONDITION_RAISED, facts[code].name, c->reason, facts[code].advice);
}

void condition_clear(struct condition_set *set, enum condition_code code)
{
	struct condition *c = &set->items[code];
	if (!c->raised)
		return;
	c->raised = false;
	c->reason[0] = '\0';
	c->transitions++;
	uint64_t seconds = (clock_now_ms() - c->since_ms) / CLOCK_MS_PER_S;
	log_event(EV_CONDITION_CLEARED, facts[code].name, (unsigned long long)seconds);
}

void condition_clear_range(
	struct condition_set *set, enum condition_code first, enum condition_code last)
{
	for (int code = (int)first; code <= (int)last; code++)
		condition_clear(set, (enum condition_code)code);
}

bool condition_is_raised(const struct condition_set *set, enum condition_code code)
{
	return set->items[code].raised;
}
