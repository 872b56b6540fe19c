/*
 * Names of the keys in a proxy's state that other programs read.
 */
#ifndef LIB_CONTRACT_STATE_KEYS_H
#define LIB_CONTRACT_STATE_KEYS_H

#define STATE_KEY_CAPVER "tailscale_capver"
#define STATE_KEY_POD_UID "pod_uid"
#define STATE_KEY_DEVICE_ID "device_id"
#define STATE_KEY_DEVICE_FQDN "device_fqdn"
#define STATE_KEY_DEVICE_IPS "device_ips"
#define STATE_KEY_HTTPS_ENDPOINT "https_endpoint"
#define STATE_KEY_EGRESS_SERVICES "egress-services"
#define STATE_KEY_INGRESS_CONFIG "ingress-config.json"
/* The refused key, possibly empty: that it is there is the request for another one. */
#define STATE_KEY_REISSUE_AUTHKEY "reissue_authkey"
/* What proxies of the reference write when they had no key. */
#define STATE_REISSUE_WITHOUT_KEY "no-authkey"

#endif
