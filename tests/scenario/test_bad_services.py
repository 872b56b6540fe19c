"""Documents of egress and ingress services, wrong in every way: a fault is named with its service
and field, concerns that service alone, and ends nothing."""

import copy
import json

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from mounted import Mounted

KEY_EGRESS, KEY_INGRESS = "egress-services", "ingress-config.json"
HOOK = "/internal-egress-services-preshutdown"
ABSENT = object()
LONG = "x" * 300


def egress(ip="100.64.0.9", port=4000, **more):
    """A service that is right, with members changed."""
    made = {"healthCheckEndpoint": "", "tailnetTarget": {"ip": ip, "fqdn": ""},
            "ports": [{"protocol": "TCP", "matchPort": port, "targetPort": 80}]}
    made.update(more)
    return made


def port(**more):
    """A service with one port of which members are changed."""
    made = {"protocol": "TCP", "matchPort": 5000, "targetPort": 80}
    made.update(more)
    return egress(ports=[{k: v for k, v in made.items() if v is not ABSENT}])


def target(**members):
    """A service with that target."""
    return egress(tailnetTarget=members)


NO_TARGET = "unexpected egress service config- neither tailnet target IP nor FQDN is set"
#: a service -> how the sentence begins
EGRESS = {
    "number": (3, "a number where an object belongs"),
    "text": ("x", "a string where an object belongs"),
    "list": ([], "an array where an object belongs"),
    "true": (True, "a boolean where an object belongs"),
    "null": (None, NO_TARGET),
    "empty": ({}, NO_TARGET),
    "endpoint_number": (egress(healthCheckEndpoint=5), "healthCheckEndpoint: a number where"),
    "endpoint_list": (egress(healthCheckEndpoint=["x"]), "healthCheckEndpoint: an array where"),
    "endpoint_long": (egress(healthCheckEndpoint="http://" + "x" * 3000),
                      "healthCheckEndpoint: 3007 bytes"),
    "target_text": (egress(tailnetTarget="100.64.0.9"), "tailnetTarget: a string where"),
    "target_null": (egress(tailnetTarget=None), NO_TARGET),
    "target_empty": (target(), NO_TARGET),
    "target_blank": (target(ip="", fqdn=""), NO_TARGET),
    "ip_number": (target(ip=100), "tailnetTarget.ip: a number where"),
    "ip_nonsense": (target(ip="nonsense"), "tailnetTarget.ip: "),
    "ip_prefix": (target(ip="100.64.0.9/32"), "tailnetTarget.ip: "),
    "ip_port": (target(ip="100.64.0.9:80"), "tailnetTarget.ip: "),
    "ip_blanks": (target(ip=" 100.64.0.9 "), "tailnetTarget.ip: "),
    "ip_zero_octet": (target(ip="100.064.0.9"), "tailnetTarget.ip: "),
    "ip_zone": (target(ip="fe80::1%eth0"), 'tailnetTarget.ip: "fe80::1%eth0" has a zone'),
    "ip_nowhere": (target(ip="0.0.0.0"), "tailnetTarget.ip: nothing can be at 0.0.0.0"),
    "ip_long": (target(ip=LONG), "tailnetTarget.ip: 300 bytes"),
    "ip_wrong_fqdn_right": (target(ip="x", fqdn="a.tail.ts.net"), "tailnetTarget.ip: "),
    "fqdn_number": (target(fqdn=1), "tailnetTarget.fqdn: a number where"),
    "fqdn_long": (target(fqdn=LONG), "tailnetTarget.fqdn: 300 bytes"),
    "ports_object": (egress(ports={}), "ports: an object where"),
    "ports_text": (egress(ports="80"), "ports: a string where"),
    "port_number": (egress(ports=[80]), "ports[0]: a number where"),
    "port_second": (egress(ports=[egress()["ports"][0], "x"]), "ports[1]: a string where"),
    "protocol_absent": (port(protocol=ABSENT), "ports[0].protocol: "),
    "protocol_number": (port(protocol=6), "ports[0].protocol: a number where"),
    "protocol_other": (port(protocol="SCTP"), 'ports[0].protocol: "SCTP" is neither TCP nor UDP'),
    "protocol_long": (port(protocol=LONG), "ports[0].protocol: "),
    "match_absent": (port(matchPort=ABSENT), "ports[0].matchPort: missing"),
    "match_zero": (port(matchPort=0), "ports[0].matchPort: 0 is not from 1 to 65535"),
    "match_65536": (port(matchPort=65536), "ports[0].matchPort: 65536 is not from 1 to 65535"),
    "match_negative": (port(matchPort=-1), "ports[0].matchPort: -1 is not from 1 to 65535"),
    "match_fraction": (port(matchPort=80.5), "ports[0].matchPort: no whole number"),
    "match_huge": (port(matchPort=10 ** 30), "ports[0].matchPort: no whole number"),
    "match_text": (port(matchPort="80"), "ports[0].matchPort: a string where"),
    "target_absent": (port(targetPort=ABSENT), "ports[0].targetPort: missing"),
    "target_zero": (port(targetPort=0), "ports[0].targetPort: 0 is not from 1 to 65535"),
    "target_65536": (port(targetPort=65536), "ports[0].targetPort: 65536 is not from 1 to 65535"),
    "target_text_port": (port(targetPort="http"), "ports[0].targetPort: a string where"),
    "two_targets": (egress(ports=[{"protocol": "TCP", "matchPort": 5000, "targetPort": 80},
                                  {"protocol": "tcp", "matchPort": 5000, "targetPort": 81}]),
                    "ports[1].targetPort: 81, but ports[0] leads TCP port 5000 to 80"),
}


def ingress(vip="100.64.1.9", cluster="10.0.0.9", family=4):
    """An ingress service that is right."""
    return {f"IPv{family}Mapping": {"TailscaleServiceIP": vip, "ClusterIP": cluster}}


FOUR = "IPv4Mapping."
INGRESS = {
    "number": (3, "a number where an object belongs"),
    "text": ("x", "a string where an object belongs"),
    "mapping_text": ({"IPv4Mapping": "x"}, "IPv4Mapping: a string where"),
    "mapping_list": ({"IPv6Mapping": []}, "IPv6Mapping: an array where"),
    "mapping_empty": ({"IPv4Mapping": {}}, FOUR + "TailscaleServiceIP: missing"),
    "vip_absent": ({"IPv4Mapping": {"ClusterIP": "10.0.0.9"}},
                   FOUR + "TailscaleServiceIP: missing"),
    "vip_number": (ingress(vip=1), FOUR + "TailscaleServiceIP: a number where"),
    "vip_nonsense": (ingress(vip="x"), FOUR + "TailscaleServiceIP: "),
    "vip_long": (ingress(vip=LONG), FOUR + "TailscaleServiceIP: 300 bytes"),
    "vip_zone": (ingress("fe80::1%lo", "fd00::1", 6), "IPv6Mapping.TailscaleServiceIP: "),
    "vip_family": (ingress(vip="fd7a::1"), FOUR + "TailscaleServiceIP: fd7a::1 is no IPv4"),
    "vip_family_6": (ingress(family=6), "IPv6Mapping.TailscaleServiceIP: 100.64.1.9 is no IPv6"),
    "vip_nowhere": (ingress(vip="0.0.0.0"), FOUR + "TailscaleServiceIP: nothing can be at"),
    "cluster_absent": ({"IPv4Mapping": {"TailscaleServiceIP": "100.64.1.9"}},
                       FOUR + "ClusterIP: missing"),
    "cluster_blank": (ingress(cluster=""), FOUR + "ClusterIP: missing"),
    "cluster_list": (ingress(cluster=[]), FOUR + "ClusterIP: an array where"),
    "cluster_name": (ingress(cluster="web.ns.svc"), FOUR + "ClusterIP: "),
    "cluster_family": (ingress(cluster="fd00::1"), FOUR + "ClusterIP: fd00::1 is no IPv4"),
    "second_mapping": (dict(ingress(), IPv6Mapping={}), "IPv6Mapping.TailscaleServiceIP: missing"),
}


class Proxy:
    """A program with both documents mounted."""

    def __init__(self, world):
        self.world = world
        self.egress = Mounted(world.root / "etc/egress")
        self.ingress = Mounted(world.root / "etc/ingress")

    def start(self, timeout=10):
        """Start, and wait until it is up."""
        self.world.lapi.bus.publish(
            notify.running(notify.node(addresses=["100.64.0.1/32", "fd7a:115c:a1e0::1/128"])))
        program = self.world.start(self.world.kube_env(
            TS_USERSPACE="false", POD_IPS="10.0.0.1",
            TS_EGRESS_PROXIES_CONFIG_PATH=self.egress.path,
            TS_INGRESS_PROXIES_CONFIG_PATH=self.ingress.path / KEY_INGRESS,
            TS_LOCAL_ADDR_PORT=f"127.0.0.1:{self.world.local_port}"))
        program.wait_log(STARTED, timeout)
        return program

    def mount_egress(self, services):
        """Swap the egress document in."""
        self.egress.swap({KEY_EGRESS: services})

    def mount_ingress(self, services):
        """Swap the ingress document in."""
        self.ingress.swap({KEY_INGRESS: services})

    def listed(self, key):
        """The services of a status in the Secret; None without one."""
        text = self.world.kube.get().get(key)
        member = "services" if key == KEY_EGRESS else "configs"
        return None if text is None else json.loads(text).get(member) or {}

    def wait_listed(self, key, names, timeout=5):
        """Wait until exactly these services are listed."""
        wait_until(lambda: sorted(self.listed(key) or {}) == sorted(names), timeout,
                   lambda: f"{key}: {self.listed(key)} instead of {names}")

    def ports(self, name):
        """(matchPort, targetPort) of a listed egress service."""
        return sorted((p["matchPort"], p["targetPort"]) for p in
                      self.listed(KEY_EGRESS)[name]["ports"])


@pytest.fixture
def proxy(world):
    """Both documents, none of them with a service yet."""
    made = Proxy(world)
    made.mount_egress({})
    made.mount_ingress({})
    return made


@pytest.mark.parametrize("name", EGRESS)
def test_egress_service_at_fault(proxy, name):
    """From the begin: it is named and left out; mended, it is served."""
    bad, sentence = EGRESS[name]
    proxy.mount_egress({"bad": bad, "good": egress()})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["good"])
    assert program.log_count(f"egress service bad: {sentence}") == 1
    assert program.log_count(f"condition EgressServiceFailed: bad: {sentence[:60]}") == 1
    assert not program.log_count("egress service good: ")
    proxy.mount_egress({"bad": egress(port=5000), "good": egress()})
    proxy.wait_listed(KEY_EGRESS, ["bad", "good"])
    program.wait_log_part("condition EgressServiceFailed cleared")


def test_egress_service_that_becomes_faulty(proxy):
    """It keeps what it had, whatever is wrong with it, and the others follow their edits."""
    proxy.mount_egress({"bad": egress(port=5000), "good": egress()})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["bad", "good"])
    for number, (name, (bad, sentence)) in enumerate(EGRESS.items()):
        proxy.mount_egress({"bad": bad, "good": egress(port=6000 + number)})
        wait_until(lambda n=number: proxy.ports("good") == [(6000 + n, 80)], 5, name)
        assert proxy.ports("bad") == [(5000, 80)], name
        assert program.log_count(f"egress service bad: {sentence}"), name
    proxy.mount_egress({"good": egress()})
    proxy.wait_listed(KEY_EGRESS, ["good"])


@pytest.mark.parametrize("name", INGRESS)
def test_ingress_service_at_fault(proxy, name):
    """From the begin: it is named and left out; mended, it is served."""
    bad, sentence = INGRESS[name]
    good = ingress("100.64.1.1", "10.0.0.1")
    proxy.mount_ingress({"svc:bad": bad, "svc:good": good})
    program = proxy.start()
    proxy.wait_listed(KEY_INGRESS, ["svc:good"])
    assert program.log_count(f"Tailscale Service svc:bad: {sentence}") == 1
    assert program.log_count(f"condition IngressServiceFailed: svc:bad: {sentence[:60]}") == 1
    assert not program.log_count("Tailscale Service svc:good: ")
    proxy.mount_ingress({"svc:bad": ingress(), "svc:good": good})
    proxy.wait_listed(KEY_INGRESS, ["svc:bad", "svc:good"])
    program.wait_log_part("condition IngressServiceFailed cleared")


def test_ingress_service_that_becomes_faulty(proxy):
    """It keeps what it had, and the others follow their edits."""
    proxy.mount_ingress({"svc:bad": ingress()})
    program = proxy.start()
    proxy.wait_listed(KEY_INGRESS, ["svc:bad"])
    for number, (name, (bad, sentence)) in enumerate(INGRESS.items()):
        good = ingress(f"100.64.2.{number + 1}", "10.0.0.1")
        proxy.mount_ingress({"svc:bad": bad, "svc:good": good})
        wait_until(lambda g=good: (proxy.listed(KEY_INGRESS) or {}).get("svc:good") == g, 5, name)
        assert proxy.listed(KEY_INGRESS)["svc:bad"] == ingress(), name
        assert program.log_count(f"Tailscale Service svc:bad: {sentence}"), name


DOCUMENTS = {
    "cut": '{"good":', "empty_list": "[]", "text": '"x"', "number": "7", "two": "{} {}",
    "comment": "// x\n{}", "comma": '{"a":{},}', "nul": b'{"a\0":{}}', "latin1": b'{"\xe9":{}}',
    "deep": '{"a":' * 5000 + "1" + "}" * 5000, "many": json.dumps({str(n): {} for n in range(10001)}),
    "large": " " * (9 << 20), "binary": bytes(range(256)),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_that_cannot_be_read(proxy, name):
    """What stood goes on, the files are named; a good document is taken up again."""
    good = ingress("100.64.1.1", "10.0.0.1")
    proxy.mount_egress({"good": egress()})
    proxy.mount_ingress({"svc:good": good})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["good"])
    proxy.wait_listed(KEY_INGRESS, ["svc:good"])
    proxy.mount_egress(DOCUMENTS[name])
    proxy.mount_ingress(DOCUMENTS[name])
    program.wait_log_part("condition EgressConfigInvalid: ")
    program.wait_log_part("condition IngressConfigInvalid: ")
    assert program.log_count(f"{proxy.egress.path}/{KEY_EGRESS}: ") == 1
    assert program.log_count(f"{proxy.ingress.path}/{KEY_INGRESS}: ") == 1
    stays_true(lambda: list(proxy.listed(KEY_EGRESS)) == ["good"]
               and list(proxy.listed(KEY_INGRESS)) == ["svc:good"], 0.3)
    assert proxy.world.http(HOOK)[0] == 500
    proxy.mount_egress({"other": egress()})
    proxy.mount_ingress({"svc:other": good})
    proxy.wait_listed(KEY_EGRESS, ["other"])
    proxy.wait_listed(KEY_INGRESS, ["svc:other"])
    program.wait_log_part("condition EgressConfigInvalid cleared")
    program.wait_log_part("condition IngressConfigInvalid cleared")


def test_documents_that_cannot_be_read_at_the_begin(proxy):
    """The node starts without services."""
    proxy.mount_egress("{")
    proxy.mount_ingress("{")
    program = proxy.start()
    program.wait_log_part("condition EgressConfigInvalid: ")
    program.wait_log_part("condition IngressConfigInvalid: ")
    proxy.mount_egress({"good": egress()})
    proxy.mount_ingress({"svc:good": ingress()})
    proxy.wait_listed(KEY_EGRESS, ["good"])
    proxy.wait_listed(KEY_INGRESS, ["svc:good"])


def test_directories_in_place_of_files(proxy):
    """As good as a document that cannot be read."""
    program = None
    for mounted, key in ((proxy.egress, KEY_EGRESS), (proxy.ingress, KEY_INGRESS)):
        mounted.swap({})
        (mounted.path / key).mkdir()
    program = proxy.start()
    program.wait_log_part("condition EgressConfigInvalid: ")
    program.wait_log_part("condition IngressConfigInvalid: ")
    assert program.alive()


def test_two_services_on_one_port(proxy):
    """The first by name has it; the other is named, and listed with what is left of it."""
    both = egress(ports=[{"protocol": "tcp", "matchPort": 4000, "targetPort": 81},
                         {"protocol": "tcp", "matchPort": 4001, "targetPort": 82},
                         {"protocol": "UDP", "matchPort": 4000, "targetPort": 83}])
    proxy.mount_egress({"b": both, "a": egress(), "c": egress(port=4002)})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["a", "b", "c"])
    assert program.log_count("egress service b: tcp port 4000 is served by a") == 1
    wait_until(lambda: proxy.ports("b") == [(4000, 83), (4001, 82)], 3, "ports of b")
    assert proxy.ports("a") == [(4000, 80)]
    proxy.mount_egress({"b": both, "c": egress(port=4002)})
    wait_until(lambda: (4000, 81) in proxy.ports("b"), 3, "b has its port")
    program.wait_log_part("condition EgressServiceFailed cleared")


def test_two_ingress_services_of_one_address(proxy):
    """The first by name has it, the other is named and has it when it is free."""
    proxy.mount_ingress({"svc:b": ingress(cluster="10.0.0.2"), "svc:a": ingress()})
    program = proxy.start()
    proxy.wait_listed(KEY_INGRESS, ["svc:a"])
    assert program.log_count("Tailscale Service svc:b: 100.64.1.9 belongs to svc:a") == 1
    proxy.mount_ingress({"svc:b": ingress(cluster="10.0.0.2")})
    proxy.wait_listed(KEY_INGRESS, ["svc:b"])


def test_repetitions_are_no_faults(proxy):
    """A name or member that is there twice: the last one counts; ports are a set."""
    one, two = json.dumps(egress(port=1)), json.dumps(egress(port=2))
    doubled = json.dumps(egress(ports=egress(port=3)["ports"] * 3))
    folded = ('{"TAILNETTARGET":{"IP":"100.64.0.9"},"ports":[],"Ports":[{"PROTOCOL":"udp",'
              '"matchport":4,"MATCHPORT":5,"targetPort":6}],"unknown":{"x":[1]}}')
    proxy.mount_egress(f'{{"a":{one},"a":{two},"b":{doubled},"c":{folded}}}')
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["a", "b", "c"])
    assert [proxy.ports(n) for n in "abc"] == [[(2, 80)], [(3, 80)], [(5, 6)]]
    assert not program.log_count("condition Egress")


def test_names(proxy):
    """Names of any kind are names; none, and one that is too long, are faults."""
    odd = ['a"b', "ü", "a/b", "svc with blanks", "-", "x" * 253, "\n"]
    services = {name: egress(port=100 + i) for i, name in enumerate(odd)}
    proxy.mount_egress({**services, "": egress(port=1), LONG: egress(port=2)})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, odd)
    assert program.log_count("the name is empty") >= 1
    assert program.log_count("the name has 300 bytes") >= 1


@pytest.mark.parametrize("text,status", [
    ("-1", 200), (" 0 \n", 200), ("", 200), ("1 2", 500), ("0x1", 500), ("1.5", 500), ("1001", 500),
    ("9" * 30, 500), ("9" * 5000, 500), (b"\0", 500), (bytes(range(256)), 500)])
def test_pings(proxy, text, status):
    """A number that is none is the hook's fault alone."""
    proxy.mount_egress({})
    proxy.egress.swap({KEY_EGRESS: {"good": egress()}, "hep-pings": text})
    program = proxy.start()
    proxy.wait_listed(KEY_EGRESS, ["good"])
    assert proxy.world.http(HOOK)[0] == status
    assert not program.log_count("condition Egress")


def test_thousands_of_services(proxy):
    """5,000 of each kind are served; edits and the end of all of them too."""
    many = {f"svc-{i:04}": egress(port=1000 + i) for i in range(5000)}
    vips = {f"svc:{i:04}": ingress(f"100.65.{i // 250}.{i % 250 + 1}") for i in range(5000)}
    proxy.mount_egress(many)
    proxy.mount_ingress(vips)
    program = proxy.start(60)
    proxy.wait_listed(KEY_EGRESS, many, 60)
    proxy.wait_listed(KEY_INGRESS, vips, 60)
    edited = copy.deepcopy(many)
    edited["svc-2500"]["ports"][0]["targetPort"] = 0
    edited["svc-2501"]["ports"][0]["targetPort"] = 81
    proxy.mount_egress(edited)
    wait_until(lambda: proxy.ports("svc-2501") == [(3501, 81)], 60, "the edit")
    assert proxy.ports("svc-2500") == [(3500, 80)]
    assert program.log_count("egress service svc-2500: ports[0].targetPort: 0 is not from") == 1
    proxy.mount_egress({})
    proxy.mount_ingress({})
    proxy.wait_listed(KEY_EGRESS, [], 60)
    proxy.wait_listed(KEY_INGRESS, [], 60)
    assert program.stop(30) == 0


def test_thousands_of_faults(proxy):
    """5,000 services of which one is right: it is served, and each other named once."""
    bad = {f"svc-{i:04}": port(matchPort=0) for i in range(4999)}
    proxy.mount_egress({**bad, "good": egress()})
    program = proxy.start(60)
    proxy.wait_listed(KEY_EGRESS, ["good"], 60)
    assert program.log_count("ports[0].matchPort: 0 is not from 1 to 65535") >= 1
    assert program.alive()
