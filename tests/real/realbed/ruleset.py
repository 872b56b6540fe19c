"""The packet filter of a namespace, read and changed by nft as anyone else in the pod could."""

import json

from . import netns

# The supervisor's own tables, one for each family.
OWN = {("ip", "ts_sidecar"), ("ip6", "ts_sidecar")}
# Their rules against leaks.
GUARDS = ("leak-guard", "answer-guard")

FOREIGN = """\
table inet not_ours {
	set blocked {
		type ipv4_addr
		elements = { 192.0.2.1, 192.0.2.2 }
	}
	chain prerouting {
		type nat hook prerouting priority -100; policy accept;
		tcp dport 4242 redirect to :4243
	}
	chain forward {
		type filter hook forward priority 0; policy accept;
		ip saddr @blocked counter drop
	}
}
"""

def nft(namespace, *arguments, text=None):
    return netns.run_inside(namespace, "nft", *arguments, text=text)


def tables(namespace):
    """(family, name) of each table."""
    listed = json.loads(nft(namespace, "-j", "list", "tables"))["nftables"]
    return {(entry["table"]["family"], entry["table"]["name"]) for entry in listed if "table" in entry}


def own_tables(namespace):
    return tables(namespace) & OWN


def add_foreign(namespace):
    """A foreign table; returns its listing."""
    nft(namespace, "-f", "-", text=FOREIGN)
    return foreign(namespace)


def foreign(namespace):
    return nft(namespace, "list", "table", "inet", "not_ours")


def flush(namespace):
    """What a foreign hand can do to everyone: all tables of the pod are gone."""
    nft(namespace, "flush", "ruleset")


def guard_drops(namespace):
    """Packets that the guard against leaks has dropped, both families."""
    listed = json.loads(nft(namespace, "-j", "list", "ruleset"))["nftables"]
    rules = [entry["rule"] for entry in listed if "rule" in entry]
    guards = [rule for rule in rules if (rule["family"], rule["table"]) in OWN and rule.get("comment") in GUARDS]
    return sum(part["counter"]["packets"] for rule in guards for part in rule["expr"] if "counter" in part)
