"""The temporary root D in which the program under test lives."""

import json
import pathlib

from . import commands

CONFIG_KEY = "some-auth-key"


def write_config(path, key=CONFIG_KEY, **more):
    """A daemon config file as the operator writes it."""
    content = {"Version": "alpha0"}
    if key is not None:
        content["AuthKey"] = key
    pathlib.Path(path).write_text(json.dumps(dict(content, **more)))


def build(root, daemon="plain", cli="plain"):
    """Fill ROOT with folders, device node, sysctls, config files and commands."""
    root = pathlib.Path(root)
    for folder in ("usr/bin", "dev/net", "proc/sys/net/ipv4", "proc/sys/net/ipv6/conf/all",
                   "etc/tailscaled", "var/lib", "tmp"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "dev/net/tun").write_text("")
    (root / "proc/sys/net/ipv4/ip_forward").write_text("0")
    (root / "proc/sys/net/ipv6/conf/all/forwarding").write_text("0")
    folder = root / "etc/tailscaled"
    write_config(folder / "cap-95.hujson")
    web = {"TCP": {"80": {"HTTP": True}}}
    (folder / "serve-config.json").write_text(json.dumps(web))
    services = dict(web, Services={"svc:test-service-1": {}, "svc:test-service-2": {}})
    (folder / "serve-config-with-services.json").write_text(json.dumps(services))
    egress = {"foo": {"healthCheckEndpoint": "", "ports": [],
                      "tailnetTarget": {"ip": "", "fqdn": "foo.tailnetxyz.ts.net"}}}
    (folder / "egress-services").write_text(json.dumps(egress))
    (folder / "hep-pings").write_text("4")
    commands.install(root, daemon, cli)
    return root
