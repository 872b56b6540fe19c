"""Documents of services that change: in storms, for ever, and with the folder they lie in."""

import os
import shutil
import signal
import time

import pytest
from fakes import notify
from fakes.waiting import stays_true, wait_until
from harness import STARTED
from mounted import Mounted
from services_proxy import (KEY_EGRESS, KEY_INGRESS, OWN, Proxy, egress, ingress,
                            most_contributions, name_of, peer)

pytestmark = pytest.mark.both_generations


@pytest.fixture(name="proxy")
def fixture_proxy(world):
    """A proxy whose Secret exists."""
    world.kube.set(tailscale_capver="1")
    return Proxy(world)


def memory(pid):
    """Resident memory in KiB."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1])


def descriptors(pid):
    """Open descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))


@pytest.mark.parametrize("by_name", [False, True])
def test_storm_of_updates(proxy, by_name):
    """A hundred volume updates in a second are a few contributions and a few writes; the last one is what
    is published in the end."""
    peers = [peer(n, f"100.65.0.{n + 1}/32") for n in range(100)]
    program = proxy.start(*peers)
    begun = time.monotonic()
    for number in range(100):
        proxy.mount({"db": egress(name_of(number)) if by_name else
                     egress(ip=f"100.65.0.{number + 1}")},
                    {"svc:a": ingress("100.64.9.9", f"10.0.0.{number + 1}")})
    proxy.wait_targets({"db": ["100.65.0.100"]})
    wait_until(lambda: proxy.status(KEY_INGRESS)["configs"]
               == {"svc:a": ingress("100.64.9.9", "10.0.0.100")}, 8, "the last mapping")
    assert len(proxy.statuses()) < most_contributions(begun)
    assert len(proxy.statuses(KEY_INGRESS)) < most_contributions(begun)
    assert not program.log_count("condition ")
    stays_true(lambda: proxy.targets() == {"db": ["100.65.0.100"]}, 0.2)


def test_five_thousand_services(proxy):
    """By address and by name, in one document; then all but one go in one step."""
    peers = [peer(n, f"100.65.{n // 250}.{n % 250 + 1}/32") for n in range(2500)]
    services = {f"n{n:04}": egress(name_of(n), port=2000 + n) for n in range(2500)}
    services.update({f"a{n:04}": egress(ip=f"100.66.{n // 250}.{n % 250 + 1}", port=10000 + n)
                     for n in range(2500)})
    proxy.mount(services)
    program = proxy.start(*peers)
    wait_until(lambda: len(proxy.targets()) == 5000, 30, "all services")
    assert all(proxy.targets().values())
    assert len(program.lines()) < 100
    published = len(proxy.statuses())
    assert published <= 8, "answers of targets that come together are published together"
    proxy.mount({"n0007": services["n0007"]})
    proxy.wait_targets({"n0007": ["100.65.0.8"]}, 30)
    assert len(program.lines()) < 200
    assert len(proxy.statuses()) == published + 1


def test_many_updates_leave_nothing_behind(proxy):
    """Neither memory nor descriptors grow with the number of updates."""
    options = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=0" \
        ":thread_local_quarantine_size_kb=0"  # what is freed is not kept to catch its users
    program = proxy.start(ASAN_OPTIONS=options)

    def change(count):
        for number in range(count):
            text = {f"s{number % 3}{n}": egress(ip=f"100.65.{n}.{number % 250 + 1}",
                                                port=4000 + n) for n in range(20)}
            proxy.egress.swap({KEY_EGRESS: text})
            wait_until(lambda t=text: proxy.targets() == {
                name: [s["tailnetTarget"]["ip"]] for name, s in t.items()}, 8, "taken")
    change(20)
    before = memory(program.pid), descriptors(program.pid)
    change(60)
    assert descriptors(program.pid) <= before[1] + 1
    assert memory(program.pid) < before[0] + 4096


def test_folder_that_vanishes_and_comes_back(proxy):
    """Without it there are no services; a new one in its place is read and watched."""
    proxy.mount({"db": egress(ip="100.65.0.1")}, {"svc:a": ingress("100.64.9.9", "10.0.0.9")})
    proxy.start()
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.wait_mappings(["svc:a"])
    for mounted in (proxy.egress, proxy.ingress):
        shutil.rmtree(mounted.path)
    proxy.wait_targets({})
    proxy.wait_mappings([])
    again = Proxy(proxy.world)  # mounts both again
    again.mount({"db": egress(ip="100.65.0.2")}, {"svc:b": ingress("100.64.9.9", "10.0.0.9")})
    proxy.wait_targets({"db": ["100.65.0.2"]})
    proxy.wait_mappings(["svc:b"])
    again.mount({"db": egress(ip="100.65.0.3")})
    proxy.wait_targets({"db": ["100.65.0.3"]})


def test_folder_behind_a_link(proxy):
    """A link that is turned elsewhere is followed, as is what then changes there."""
    world = proxy.world
    one, two = proxy.egress, Mounted(world.root / "mnt/other")
    one.swap({KEY_EGRESS: {"db": egress(ip="100.65.0.1")}})
    two.swap({KEY_EGRESS: {"db": egress(ip="100.65.0.2")}})
    link = world.root / "mnt/link"
    os.symlink("egress", link)
    program = proxy.start(TS_EGRESS_PROXIES_CONFIG_PATH=link)
    proxy.wait_targets({"db": ["100.65.0.1"]})
    os.symlink("other", world.root / "mnt/new")
    os.rename(world.root / "mnt/new", link)
    proxy.wait_targets({"db": ["100.65.0.2"]}, 10)
    two.swap({KEY_EGRESS: {"db": egress(ip="100.65.0.3")}})
    proxy.wait_targets({"db": ["100.65.0.3"]})
    assert not program.log_count("condition ")


def test_file_that_cannot_be_read(proxy):
    """What stood goes on, the reason is a condition, and it heals."""
    proxy.mount({"db": egress(ip="100.65.0.1")}, {"svc:a": ingress("100.64.9.9", "10.0.0.9")})
    program = proxy.start()
    proxy.wait_targets({"db": ["100.65.0.1"]})
    proxy.wait_mappings(["svc:a"])
    for mounted, key in ((proxy.egress, KEY_EGRESS), (proxy.ingress, KEY_INGRESS)):
        (mounted.path / key).unlink()
        os.symlink(key, mounted.path / key)  # a link to itself
    program.wait_log_part("condition EgressConfigInvalid: ")
    program.wait_log_part("condition IngressConfigInvalid: ")
    assert proxy.targets() == {"db": ["100.65.0.1"]}
    assert sorted(proxy.status(KEY_INGRESS)["configs"]) == ["svc:a"]
    for mounted, key in ((proxy.egress, KEY_EGRESS), (proxy.ingress, KEY_INGRESS)):
        (mounted.path / key).unlink()
    proxy.mount({"db": egress(ip="100.65.0.2")}, {"svc:b": ingress("100.64.9.9", "10.0.0.9")})
    proxy.wait_targets({"db": ["100.65.0.2"]})
    proxy.wait_mappings(["svc:b"])
    program.wait_log_part("condition EgressConfigInvalid cleared")
    program.wait_log_part("condition IngressConfigInvalid cleared")


def test_faults_are_logged_once(proxy):
    """However often the document is read and contributed again."""
    proxy.mount({"bad": {}, "db": egress(name_of(1)), "gone": egress(name_of(2), port=4001)})
    program = proxy.start(peer(1, "100.65.0.1/32"))
    proxy.wait_targets({"db": ["100.65.0.1"], "gone": None})
    logged = program.log_count("condition EgressServiceFailed")
    for number in range(2, 12):
        proxy.mount({"bad": {}, "db": egress(name_of(1), port=5000 + number),
                     "gone": egress(name_of(2), port=4001)})
        proxy.move(peer(1, f"100.65.0.{number}/32"))
        proxy.wait_targets({"db": [f"100.65.0.{number}"], "gone": None})
    assert program.log_count("egress service bad: ") == 1
    assert program.log_count("egress service gone: ") == 1
    assert program.log_count("condition EgressServiceFailed") == logged


@pytest.mark.parametrize("after", [0.0, 0.05, 0.12, 0.2, 0.3])
def test_stop_at_any_time(proxy, after):
    """SIGTERM in the middle of whatever is going on: nothing is touched that is gone."""
    proxy.mount({f"s{n}": egress(name_of(n), port=4000 + n) for n in range(50)},
                {"svc:a": ingress("100.64.9.9", "10.0.0.9")})
    world = proxy.world
    peers = [peer(n, f"100.65.0.{n + 1}/32") for n in range(50)]
    world.lapi.bus.publish(notify.running(OWN, peers))
    program = world.start(proxy.environment())
    wait_until(lambda: world.lapi.bus.opened() > 0 or program.has_log(STARTED), 8, "a start")
    stays_true(program.alive, after)
    for number in range(20):
        proxy.move(peer(number, f"100.66.0.{number + 1}/32"))
    proxy.mount({"db": egress(ip="100.65.0.2")}, {})
    program.terminate(signal.SIGTERM)
    for number in range(20):
        proxy.move(peer(number, f"100.67.0.{number + 1}/32"))
    proxy.mount({"db": egress(ip="100.65.0.3")}, {})
    assert program.wait_exit(20) == 0
