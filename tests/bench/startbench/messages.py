"""Bus messages of a tailnet of any size, encoded once.

The sizes follow what a daemon sends: about 1 KB for a peer in the first message, which holds every
peer as a status, and about as much for the whole node that a changed peer is sent as.
"""

import json

from fakes import notify

_KEY = "%064x"
_WHEN = "2026-03-01T08:00:00.123456789Z"
_NEVER = "0001-01-01T00:00:00Z"


def _addresses(number):
    return (f"100.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}",
            f"fd7a:115c:a1e0::{number >> 16:x}:{number & 0xffff:x}")


def _name(number):
    return f"machine-{number:06d}.bench-tailnet.ts.net."


def _endpoints(number):
    return [f"203.0.113.{number % 250}:41641", f"10.{number >> 8 & 255}.{number & 255}.7:41641",
            f"[2001:db8:{number >> 16:x}:{number & 0xffff:x}::7]:41641"]


def peer_status(number):
    """One peer as the daemon's status shows it."""
    four, six = _addresses(number)
    return {
        "ID": f"nPeer{number:06d}CNTRL", "NodeID": number, "PublicKey": "nodekey:" + _KEY % number,
        "HostName": f"machine-{number:06d}", "DNSName": _name(number), "OS": "linux",
        "UserID": 1000 + number % 50, "TailscaleIPs": [four, six],
        "AllowedIPs": [four + "/32", six + "/128"], "Tags": ["tag:k8s", "tag:bench"],
        "Addrs": _endpoints(number), "CurAddr": "", "Relay": "fra", "PeerRelay": "",
        "RxBytes": 123456 + number, "TxBytes": 654321 + number, "Created": _WHEN,
        "LastWrite": _NEVER, "LastSeen": _WHEN, "LastHandshake": _NEVER, "Online": True,
        "ExitNode": False, "ExitNodeOption": False, "Active": False,
        "PeerAPIURL": [f"http://{four}:45678", f"http://[{six}]:45678"], "TaildropTarget": 0,
        "NoFileSharingReason": "",
        "CapMap": {"funnel": None},
        "InNetworkMap": True, "InMagicSock": True, "InEngine": False,
        "KeyExpiry": "2026-09-01T08:00:00Z",
    }


def changed_peer(number, generation):
    """The same peer as the whole node that a change is sent as."""
    four, six = _addresses(number)
    return {
        "ID": number, "StableID": f"nPeer{number:06d}CNTRL", "Name": _name(number),
        "User": 1000 + number % 50, "Key": "nodekey:" + _KEY % number, "KeyExpiry": _WHEN,
        "Machine": "mkey:" + _KEY % number, "DiscoKey": "discokey:" + _KEY % (number + generation),
        "Addresses": [four + "/32", six + "/128"], "AllowedIPs": [four + "/32", six + "/128"],
        "Endpoints": _endpoints(number + generation), "HomeDERP": 1 + generation % 20,
        "Hostinfo": {"OS": "linux", "Hostname": f"machine-{number:06d}",
                     "Services": [{"Proto": "peerapi4", "Port": 45678},
                                  {"Proto": "peerapi6", "Port": 45678}]},
        "Created": _WHEN, "Cap": 142, "Tags": ["tag:k8s", "tag:bench"],
        "LastSeen": _WHEN, "Online": generation % 2 == 0, "MachineAuthorized": True,
        "Capabilities": ["https://tailscale.com/cap/is-admin", "funnel"],
        "CapMap": {"https://tailscale.com/cap/is-admin": None, "funnel": None},
        "ComputedName": f"machine-{number:06d}",
        "ComputedNameWithHost": f"machine-{number:06d}",
    }


def _line(message):
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def _self(name):
    return notify.node("nSelfBENCH", name, ("100.127.0.1/32", "fd7a:115c:a1e0::ffff:1/128"),
                       number=900_000)


def first(peers):
    """The first message of a new subscription: Running, the node itself, and every peer."""
    message = notify.running(_self("bench-node.bench-tailnet.ts.net."))
    del message["SelfChange"]
    message["InitialStatus"]["Peer"] = {"nodekey:" + _KEY % n: peer_status(n)
                                        for n in range(1, peers + 1)}
    return _line(message)


def changes(peers, count):
    """`count` messages, each about one peer of those in `first`."""
    return [_line({"Version": "1.102.3", "PeersChanged": [changed_peer(1 + n % peers, n)]})
            for n in range(count)]


def renamed(name):
    """The last change: the node's own name, which the program has to publish."""
    return _line({"Version": "1.102.3", "SelfChange": _self(name)})
