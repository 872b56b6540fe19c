#include "lib/localapi/ipn_rules.h"

#include <string.h>

#include "lib/base/mem.h"

static const struct jscan_rule always[] = {
	{R_STATE, {"State"}, JSCAN_VALUE},
	{R_ERROR, {"ErrMessage"}, JSCAN_VALUE},
	{R_URL, {"BrowseToURL"}, JSCAN_VALUE},
	{R_SUSPENDED, {"Suspended"}, JSCAN_VALUE},
	{R_SESSION, {"SessionID"}, JSCAN_VALUE},
	{R_SELF_CHANGE, {"SelfChange"}, JSCAN_VALUE},
	{R_PEERS_CHANGED, {"PeersChanged", "*"}, JSCAN_MARK},
	{R_PEERS_REMOVED, {"PeersRemoved", "*"}, JSCAN_VALUE},
	{R_PEER_PATCH, {"PeerChangedPatch", "*"}, JSCAN_MARK},
	/* Not the member itself: null means no health, unlike an object without warnings. */
	{R_HEALTH, {"Health", "Warnings"}, JSCAN_MARK},
	{R_WARNING, {"Health", "Warnings", "*"}, JSCAN_VALUE},
	{R_WANT_RUNNING, {"Prefs", "WantRunning"}, JSCAN_VALUE},
	{R_LOGGED_OUT, {"Prefs", "LoggedOut"}, JSCAN_VALUE},
	{R_NODE_ID, {"Prefs", "Config", "NodeID"}, JSCAN_VALUE},
	{R_STATUS, {"InitialStatus", "*"}, JSCAN_MARK},
	{R_BACKEND_STATE, {"InitialStatus", "BackendState"}, JSCAN_VALUE},
	{R_AUTH_URL, {"InitialStatus", "AuthURL"}, JSCAN_VALUE},
	{R_CERT_DOMAIN, {"InitialStatus", "CertDomains", "*"}, JSCAN_VALUE},
	{R_SELF, {"InitialStatus", "Self"}, JSCAN_VALUE},
};

static const struct jscan_rule for_peers[] = {
	{R_PEER_LIST, {"PeersChanged"}, JSCAN_MARK},
	{R_STATUS_PEER, {"InitialStatus", "Peer", "*"}, JSCAN_MARK},
	{R_NODE_PEER_ID, {"PeersChanged", "*", "ID"}, JSCAN_VALUE},
	{R_NODE_PEER_NAME, {"PeersChanged", "*", "Name"}, JSCAN_VALUE},
	{R_NODE_PEER_ADDRESS, {"PeersChanged", "*", "Addresses", "*"}, JSCAN_VALUE},
	{R_NODE_PEER_ROUTE, {"PeersChanged", "*", "AllowedIPs", "*"}, JSCAN_VALUE},
	{R_STATUS_PEER_ID, {"InitialStatus", "Peer", "*", "NodeID"}, JSCAN_VALUE},
	{R_STATUS_PEER_NAME, {"InitialStatus", "Peer", "*", "DNSName"}, JSCAN_VALUE},
	{R_STATUS_PEER_ADDRESS, {"InitialStatus", "Peer", "*", "TailscaleIPs", "*"}, JSCAN_VALUE},
	{R_STATUS_PEER_ROUTE, {"InitialStatus", "Peer", "*", "AllowedIPs", "*"}, JSCAN_VALUE},
};

static const struct jscan_rule for_records[] = {
	{R_RECORD, {"InitialStatus", "ExtraRecords", "*"}, JSCAN_MARK},
	{R_RECORD_NAME, {"InitialStatus", "ExtraRecords", "*", "Name"}, JSCAN_VALUE},
	{R_RECORD_VALUE, {"InitialStatus", "ExtraRecords", "*", "Value"}, JSCAN_VALUE},
};

size_t ipn_rules_choose(struct jscan_rule out[static R_COUNT], bool wants_peers, bool wants_records)
{
	size_t count = ARRAY_LEN(always);
	memcpy(out, always, sizeof(always));
	if (wants_peers) {
		memcpy(&out[count], for_peers, sizeof(for_peers));
		count += ARRAY_LEN(for_peers);
	}
	if (wants_records) {
		memcpy(&out[count], for_records, sizeof(for_records));
		count += ARRAY_LEN(for_records);
	}
	return count;
}
