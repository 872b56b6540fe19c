#include "boot/login/login_conditions.h"

CONDITION_KIND(key_missing, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyMissing",
	"The node has no auth key and waits for an interactive login",
	"set an auth key, or register the node at the control server");
CONDITION_KIND(key_used, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyUsed",
	"The auth key was for one use and has been used before", "use a fresh or a reusable key");
CONDITION_KIND(key_expired, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyExpired",
	"The auth key has expired", "use a fresh key");
CONDITION_KIND(key_invalid, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyInvalid",
	"The control server does not know the auth key",
	"check that the key belongs to this control server, or use a fresh key");
CONDITION_KIND(key_malformed, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyMalformed",
	"The text given as auth key is not an auth key",
	"correct the secret: look for a cut-off key or a trailing line end");
CONDITION_KIND(key_needs_tags, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "KeyNeedsTags",
	"An OAuth secret is used as auth key without tags",
	"set --advertise-tags in the extra arguments");
CONDITION_KIND(tag_not_permitted, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "TagNotPermitted",
	"A requested tag is not permitted for this node",
	"permit the tag in the policy, or remove it from the settings");
CONDITION_KIND(hostname_invalid, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "HostnameInvalid",
	"The host name is not a valid DNS label", "correct the host name");
CONDITION_KIND(settings_conflict, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "SettingsConflict",
	"Flags of an earlier login were not given again",
	"give all flags again, or add --reset to the extra arguments");
CONDITION_KIND(needs_approval, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "NeedsApproval",
	"The node waits for approval by an administrator",
	"approve the device at the control server");
CONDITION_KIND(node_locked, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "NodeLocked",
	"The key of the node is not signed for the locked network",
	"sign the node key from a signing node");
CONDITION_KIND(node_key_expired, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "NodeKeyExpired",
	"The key of the node itself has expired",
	"provide a valid auth key, or disable key expiry for the device");
CONDITION_KIND(device_deleted, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "DeviceDeleted",
	"The device was deleted at the control server",
	"provide a valid auth key to register it again");
CONDITION_KIND(stopped, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "Stopped",
	"The node was stopped by hand", "run tailscale up");
CONDITION_KIND(logged_out, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "LoggedOut",
	"The node was logged out", "provide a valid auth key");
CONDITION_KIND(login_refused, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "LoginRefused",
	"The control server refused the login", "see the reason given by the control server");
CONDITION_KIND(control_unreachable, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "ControlUnreachable",
	"The control server cannot be reached",
	"check address, routes and network policy; it heals by itself");
CONDITION_KIND(control_name_unknown, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS,
	"ControlNameUnknown", "The name of the control server cannot be resolved",
	"check the login server's name and the cluster DNS");
CONDITION_KIND(control_tls_untrusted, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS,
	"ControlTLSUntrusted", "The certificate of the control server is from an unknown authority",
	"provide the certificate of its authority with TAILBOOT_CA_FILE");
CONDITION_KIND(control_tls_expired, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "ControlTLSExpired",
	"The certificate of the control server is not valid at this time",
	"renew the certificate of the control server");
CONDITION_KIND(control_tls_wrong_host, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS,
	"ControlTLSWrongHost", "The certificate of the control server is for another name",
	"correct the login server's name or its certificate");
CONDITION_KIND(control_rate_limited, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS,
	"ControlRateLimited", "The control server limits the rate of requests",
	"wait; it heals by itself");
CONDITION_KIND(control_error, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "ControlError",
	"The control server answers with errors", "check the login server's address and its log");
CONDITION_KIND(control_lost, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "ControlLost",
	"The connection to the control server was lost",
	"check the control server and the network; it heals by itself");
CONDITION_KIND(clock_skew, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "ClockSkew",
	"The clock of this machine is wrong", "correct the clock of the host");
CONDITION_KIND(network_down, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "NetworkDown",
	"All network links are down", "check the network of the pod; it heals by itself");
CONDITION_KIND(router_failed, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "RouterFailed",
	"tailscaled could not set up addresses, routes or its packet filter",
	"see the reason; often the capability NET_ADMIN is missing, or NET_RAW for the legacy "
	"iptables");
CONDITION_KIND(state_store_failed, CONDITION_GROUP_LOGIN, CONDITION_EXPLAINS, "StateStoreFailed",
	"The state of the node cannot be read or written",
	"check the place where the state is kept: room, permissions, the way there");
CONDITION_KIND(state_lost, CONDITION_GROUP_LOGIN, CONDITION_BLOCKS, "StateLost",
	"The state of the node is gone or belongs to another node",
	"restore the state, or provide a fresh auth key");
CONDITION_KIND(key_reissue_pending, "supervisor", CONDITION_EXPLAINS, "KeyReissuePending",
	"A fresh auth key was asked for", "the operator provides it: see that it is running");
