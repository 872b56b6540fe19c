#include "boot/config/daemon_config_schema.h"

static const struct config_field app_connector[] = {
	{.key = "Advertise", .type = CONFIG_BOOL},
	{0},
};

static const struct config_field auto_update[] = {
	{.key = "Check", .type = CONFIG_BOOL},
	{.key = "Apply", .type = CONFIG_BOOL},
	{0},
};

static const struct config_field tcp_handler[] = {
	{.key = "HTTPS", .type = CONFIG_BOOL},
	{.key = "HTTP", .type = CONFIG_BOOL},
	{.key = "TCPForward", .type = CONFIG_STRING},
	{.key = "TerminateTLS", .type = CONFIG_STRING},
	{.key = "ProxyProtocol", .type = CONFIG_INT},
	{0},
};

static const struct config_field http_handler[] = {
	{.key = "Path", .type = CONFIG_STRING},
	{.key = "Proxy", .type = CONFIG_STRING},
	{.key = "Text", .type = CONFIG_STRING},
	{.key = "AcceptAppCaps", .type = CONFIG_STRINGS},
	{.key = "Redirect", .type = CONFIG_STRING},
	{0},
};

static const struct config_field web_server[] = {
	{.key = "Handlers", .type = CONFIG_MAP, .of = http_handler},
	{0},
};

static const struct config_field service[] = {
	{.key = "TCP", .type = CONFIG_PORT_MAP, .of = tcp_handler},
	{.key = "Web", .type = CONFIG_MAP, .of = web_server},
	{.key = "Tun", .type = CONFIG_BOOL},
	{0},
};

static const struct config_field serve_config[] = {
	{.key = "TCP", .type = CONFIG_PORT_MAP, .of = tcp_handler},
	{.key = "Web", .type = CONFIG_MAP, .of = web_server},
	{.key = "Services", .type = CONFIG_MAP, .of = service},
	{.key = "AllowFunnel", .type = CONFIG_MAP},
	{.key = "Foreground", .type = CONFIG_MAP, .of = serve_config},
	{0},
};

const struct config_field config_schema[] = {
	{.key = "Version", .type = CONFIG_VERSION},
	{.key = "Locked", .type = CONFIG_BOOL},
	{.key = "ServerURL", .type = CONFIG_STRING},
	{.key = "AuthKey", .type = CONFIG_AUTHKEY},
	{.key = "Enabled", .type = CONFIG_BOOL},
	{.key = "OperatorUser", .type = CONFIG_STRING},
	{.key = "Hostname", .type = CONFIG_STRING},
	{.key = "acceptDNS", .type = CONFIG_BOOL},
	{.key = "acceptRoutes", .type = CONFIG_BOOL},
	{.key = "exitNode", .type = CONFIG_STRING},
	{.key = "allowLANWhileUsingExitNode", .type = CONFIG_BOOL},
	{.key = "AdvertiseRoutes", .type = CONFIG_PREFIXES},
	{.key = "AdvertiseExitNode", .type = CONFIG_BOOL},
	{.key = "DisableSNAT", .type = CONFIG_BOOL},
	{.key = "AdvertiseServices", .type = CONFIG_STRINGS},
	{.key = "AppConnector", .type = CONFIG_OBJECT, .of = app_connector},
	{.key = "NetfilterMode", .type = CONFIG_NETFILTER_MODE},
	{.key = "NoStatefulFiltering", .type = CONFIG_BOOL},
	{.key = "PostureChecking", .type = CONFIG_BOOL},
	{.key = "RunSSHServer", .type = CONFIG_BOOL},
	{.key = "RunWebClient", .type = CONFIG_BOOL},
	{.key = "ShieldsUp", .type = CONFIG_BOOL},
	{.key = "RemoteConfig", .type = CONFIG_BOOL},
	{.key = "AutoUpdate", .type = CONFIG_OBJECT, .of = auto_update},
	{.key = "ServeConfigTemp", .type = CONFIG_OBJECT, .of = serve_config},
	{.key = "StaticEndpoints", .type = CONFIG_ADDRPORTS},
	{.key = "RelayServerPort", .type = CONFIG_PORT},
	{.key = "RelayServerStaticEndpoints", .type = CONFIG_ADDRPORTS},
	{0},
};
