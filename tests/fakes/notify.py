"""Builders of bus notifications, in the JSON that the daemon sends."""

STATES = ["NoState", "InUseOtherUser", "NeedsLogin", "NeedsMachineAuth", "Stopped", "Starting",
    "Running"]
NO_STATE, IN_USE, NEEDS_LOGIN, NEEDS_MACHINE_AUTH, STOPPED, STARTING, RUNNING = range(7)


def node(stable_id="myID", name="test-node.test.ts.net.", addresses=("100.64.0.1/32",), number=0,
    allowed=None):
    """A node as in SelfChange and PeersChanged. Number 0 means no numeric id and the zero key."""
    key = "nodekey:%064x" % number
    made = {"ID": number, "StableID": stable_id, "Name": name, "User": 0, "Key": key,
        "Addresses": list(addresses), "Hostinfo": {}, "Created": "0001-01-01T00:00:00Z",
        "Cap": 0}
    if allowed is not None:
        made["AllowedIPs"] = list(allowed)
    return made


def peer_status(from_node):
    """The same node as a peer status, where `ID` is the stable id."""
    addresses = [a.rsplit("/", 1)[0] for a in from_node.get("Addresses") or []]
    status = {"ID": from_node["StableID"], "NodeID": from_node["ID"],
        "PublicKey": from_node["Key"], "DNSName": from_node["Name"],
        "TailscaleIPs": addresses or None, "Online": False}
    if from_node.get("AllowedIPs"):
        status["AllowedIPs"] = from_node["AllowedIPs"]
    return status


def node_of_status(status):
    """The node of a peer status; None without one."""
    if not status:
        return None
    addresses = [a + ("/128" if ":" in a else "/32") for a in status.get("TailscaleIPs") or []]
    return node(status.get("ID"), status.get("DNSName"), addresses, status.get("NodeID") or 0,
        status.get("AllowedIPs"))


def with_status(message):
    """Return the message with the InitialStatus that belongs to it."""
    state = message.get("State")
    status = {"Version": "", "TUN": False,
        "BackendState": STATES[state] if state in range(len(STATES)) else "",
        "HaveNodeKey": False, "AuthURL": "", "TailscaleIPs": None, "Self": None,
        "Health": None, "MagicDNSSuffix": "", "CurrentTailnet": None, "CertDomains": None,
        "Peer": None, "User": None, "ClientVersion": None}
    if message.get("SelfChange"):
        status["Self"] = peer_status(message["SelfChange"])
    if message.get("PeersChanged"):
        status["Peer"] = {p["Key"]: peer_status(p) for p in message["PeersChanged"]}
    return dict(message, InitialStatus=status)


def full_status(state, own, peers, cert_domains, extra_records):
    """The status of a daemon: of one without a network map too, whose own node is empty then."""
    message = {"State": state, "PeersChanged": list(peers)}
    if own:
        message["SelfChange"] = own
    status = with_status(message)["InitialStatus"]
    if not own:
        status["Self"] = {"ID": "", "PublicKey": "nodekey:%064x" % 0, "HostName": "host",
            "DNSName": "", "TailscaleIPs": None, "Online": False}
    status.update(CertDomains=cert_domains, ExtraRecords=extra_records)
    return status


def state(number, **more):
    """A notification that contains only a state."""
    return with_status(dict({"Version": "", "State": number}, **more))


def running(self_node=None, peers=None, cert_domains=None):
    """State Running with a self node, and peers when given."""
    message = {"Version": "", "State": RUNNING, "SelfChange": self_node or node()}
    if peers:
        message["PeersChanged"] = peers
    message = with_status(message)
    if cert_domains is not None:
        message["InitialStatus"]["CertDomains"] = cert_domains
    return message


def store_warning(text="State store failed to initialize"):
    """What a daemon says that could not read its state at its start, and goes on without."""
    return with_status({"State": NO_STATE, "Health": {"Warnings": {"state-store-health": {
        "Title": "Tailscale state store failed to initialize", "Text": text}}}})


def login_warning(text=None):
    """A health warning `login-state`, by default without text and without any state."""
    warning = {"Text": text} if text else {}
    return with_status({"Health": {"Warnings": {"login-state": warning}}})


def fell_behind():
    """What a watcher gets as its last message when it read too slowly."""
    return {"Version": "", "ErrMessage": "IPN bus consumer fell behind; closing watch"}
