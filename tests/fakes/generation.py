"""What the daemon's bus sends, in the two generations that are in use.

`Repeating` is the bus that the black-box suite of 1.102 plays: each message is sent as the test
made it, a status in any of them, and a new watcher gets the last one. `Stateful` is the bus as
1.104 really works: the daemon has a state; the first message of a watcher has it as far as the
mask asks for, all later messages are bare changes.
"""

import json

from .notify import (NO_STATE, RUNNING, STATES, full_status, node_of_status)

BIT_STATE, BIT_PREFS, BIT_NETMAP = 1 << 1, 1 << 2, 1 << 3
BIT_HEALTH, BIT_RATE_LIMIT = 1 << 7, 1 << 8
BIT_PEERS, BIT_NO_NETMAP, BIT_STATUS, BIT_PATCHES = 1 << 12, 1 << 13, 1 << 14, 1 << 15
BIT_IN_PROCESS, BIT_SUSPEND = 1 << 16, 1 << 19


class Repeating:
    """Messages go out as they come in."""

    capability = 142
    can_suspend = False

    def __init__(self):
        self.latest = None

    def refusal(self, mask):
        """Why a subscription is refused; None when it is not."""
        if mask & BIT_IN_PROCESS:
            return "NotifyInProcessNoDisconnect is only valid for in-process IPN bus subscribers"
        if mask & BIT_RATE_LIMIT and mask & (BIT_PEERS | BIT_NO_NETMAP | BIT_STATUS | BIT_PATCHES):
            return "NotifyRateLimit is incompatible with new-style IPN bus subscription bits"
        return None

    def learn(self, message, remember):
        """Take up what is published; returns what of it is sent."""
        if remember:
            self.latest = message
        return message

    def first(self, _mask, _session):
        """The first message of a watcher, or None."""
        return self.latest

    def for_mask(self, message, _mask):
        """What of a message a watcher with that mask gets; None = nothing."""
        return message

    def dns_config(self):
        """The answer to GET dns-config; None = there is none."""
        return None

    def status(self):
        """The answer to GET status."""
        latest = self.latest or {}
        if isinstance(latest, bytes):
            latest = json.loads(latest)
        return latest.get("InitialStatus") or {}


class Stateful:
    """A state, sent once to each watcher, and its changes."""

    capability = 148
    can_suspend = True

    def __init__(self):
        self.state = NO_STATE
        self.prefs = self.health = self.own = self.url = None
        self.peers = {}
        self.cert_domains = self.extra_records = None

    def refusal(self, mask):
        """Why a subscription is refused; None when it is not."""
        if mask & BIT_IN_PROCESS:
            return "NotifyInProcessNoDisconnect is only valid for in-process IPN bus subscribers"
        if mask & BIT_RATE_LIMIT:
            return "the NotifyRateLimit IPN bus subscription bit is no longer supported"
        if mask & BIT_NETMAP:
            return ("the NotifyInitialNetMap IPN bus subscription bit is no longer supported; "
                    "seed from NotifyInitialStatus instead")
        if mask & BIT_SUSPEND and not mask & BIT_STATE:
            return "NotifySuspendWhenBehind requires NotifyInitialState"
        return None

    def learn(self, message, _remember):
        """Take up what is published; returns the change that is sent.

        A status in the message is what the test means the daemon to know; it is never sent as it
        is. An own node, wherever it stands, is a new network map: its peers are all there are.
        """
        if isinstance(message, bytes):
            message = json.loads(message)
        status = message.get("InitialStatus") or {}
        change = {k: v for k, v in message.items() if k not in ("InitialStatus", "NetMap")}
        self._learn_state(message, status, change)
        for name in ("Prefs", "Health"):
            if message.get(name) is not None:
                setattr(self, name.lower(), message[name])
        own = message.get("SelfChange") or node_of_status(status.get("Self"))
        peers = message.get("PeersChanged") or [node_of_status(p) for p in
                                                (status.get("Peer") or {}).values()]
        if own and own.get("Name") is not None:
            self._learn_map(own, peers, status, change)
        else:
            self._learn_changes(message, status)
        return change

    def _learn_state(self, message, status, change):
        number = message.get("State")
        if number is None and status.get("BackendState") in STATES:
            number = change["State"] = STATES.index(status["BackendState"])
        if number is None:
            return
        self.state = number
        self.url = message.get("BrowseToURL")
        if number == RUNNING and self.health:
            warnings = self.health.get("Warnings") or {}
            self.health = dict(self.health, Warnings={c: w for c, w in warnings.items()
                                                      if c != "login-state"})

    def _learn_map(self, own, peers, status, change):
        before, self.peers = self.peers, {_key(p): p for p in peers}
        self.own = own
        self.cert_domains = status.get("CertDomains")
        self.extra_records = status.get("ExtraRecords")
        change["SelfChange"], change["PeersChanged"] = own, peers
        gone = [p["ID"] for key, p in before.items() if key not in self.peers]
        if gone:
            change["PeersRemoved"] = gone

    def _learn_changes(self, message, status):
        for peer in message.get("PeersChanged") or []:
            self.peers[_key(peer)] = peer
        for number in message.get("PeersRemoved") or []:
            self.peers = {k: p for k, p in self.peers.items() if p["ID"] != number}
        if status.get("CertDomains") is not None:
            self.cert_domains = status["CertDomains"]
        if status.get("ExtraRecords") is not None:
            self.extra_records = status["ExtraRecords"]

    def first(self, mask, session):
        """The first message of a watcher, or None."""
        if not mask & (BIT_STATE | BIT_PREFS | BIT_STATUS):
            return None
        message = {"Version": "1.104.7"}
        if mask & BIT_STATE:
            message.update(SessionID=session, State=self.state)
            if self.url:
                message["BrowseToURL"] = self.url
        if mask & BIT_PREFS and self.prefs is not None:
            message["Prefs"] = self.prefs
        if mask & BIT_STATUS:
            message["InitialStatus"] = self.status(mask & (BIT_PEERS | BIT_PATCHES))
        if mask & BIT_HEALTH and self.health is not None:
            message["Health"] = self.health
        return message

    def for_mask(self, message, mask):
        """What of a message a watcher with that mask gets; None = nothing."""
        hidden = set()
        if not mask & (BIT_PEERS | BIT_PATCHES):
            hidden |= {"PeersChanged", "PeersRemoved"}
        if not mask & BIT_PATCHES:
            hidden.add("PeerChangedPatch")
        return {k: v for k, v in message.items() if k not in hidden}

    def dns_config(self):
        """The answer to GET dns-config; None = there is none."""
        return {"CertDomains": self.cert_domains, "ExtraRecords": self.extra_records}

    def status(self, with_peers=False):
        """The status as it is now."""
        return full_status(self.state, self.own, self.peers.values() if with_peers else (),
                           self.cert_domains, self.extra_records)


def _key(peer):
    """A peer without a number is its name."""
    return peer.get("ID") or peer.get("Name")


GENERATIONS = {"1.102": Repeating, "1.104": Stateful}
