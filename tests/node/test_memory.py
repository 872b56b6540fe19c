"""What a pod's supervisor costs, beside the reference's entry program in the same pod: the image that people run."""

import json
from pathlib import Path

from nodebed import cgroups, images, layout, objects
from realbed import settings, wait
from upstream.install import REFERENCE_IMAGE

PEERS, MOST_MIB = 10, 5.0


def _resident(pid):
    """MiB of a process: resident, and its share of that."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file if ":" in line)
    return [int(fields[name].split()[0]) / 1024 for name in ("Rss", "Pss")]


def _at_rest(pid):
    """The same, when it no longer changes from one second to the next."""
    seen = []

    def quiet():
        seen.append(_resident(pid))
        return len(seen) > 1 and abs(seen[-1][0] - seen[-2][0]) < 0.1 and seen[-1]

    return wait.wait_for(quiet, 20, "resident memory is constant", interval=1.0)


def test_beside_the_reference(node, space, figure):
    """The same pod twice on the tailnet, ten peers and more; resident memory of the process, and what the container has."""
    for number in range(PEERS):
        node.headscale.add_entry(f"memory-{number}")
    node.load_image(images.proxy(node.folder, settings.partner("operator") / "containerboot", REFERENCE_IMAGE))
    pods = {}
    for name, image in (("ours", layout.PROXY_IMAGE), ("reference", REFERENCE_IMAGE)):
        space.node_state(name)
        space.apply(objects.pod(name, objects.pod_spec([objects.proxy({}, image=image, probes=False)], account_name=name)))
        pods[name] = space.pod(name)
    costs = {}
    for name, pod in pods.items():
        pod.wait_log("Startup complete", 60)
        costs[name] = _at_rest(pod.supervisor())
        whole = cgroups.memory(pod.status()["containerID"].rpartition("/")[2])
        figure(f"{name}: resident {costs[name][0]:.1f} MiB, its share {costs[name][1]:.1f}; charged to the container "
               f"{whole / 2**20:.1f} MiB")
    figure(f"{len(node.headscale.nodes()) - 1} peers")
    assert costs["ours"][0] <= MOST_MIB
    assert costs["ours"][0] < costs["reference"][0]


# In the pod: one run of a program on the fakes of tests/bench, with tailnets of both sizes.
_MEASURE = """
import json
from startbench import messages, trial
for peers in {sizes}:
    first, changes = messages.first(peers), messages.changes(peers, 100)
    for name in {names}:
        result = trial.run(f"/measured/{{name}}", first, changes, "config")
        print(json.dumps([name, peers, result["start"], result["memory"]["resident"] / 2**20]), flush=True)
"""
SMALL, LARGE = 10, 40_000
MOST_MIB_OF = {SMALL: 5.0, LARGE: 8.0}


def _program_of(space, image, path):
    """A program out of an image, as a pod sees it."""
    container = {"name": "tailscale", "image": image, "imagePullPolicy": "Never", "command": ["sleep", "600"]}
    space.apply(objects.pod("lender", objects.pod_spec([container], terminationGracePeriodSeconds=1)))
    lender = space.pod("lender")
    lender.wait_ready()
    return Path(f"/proc/{lender.supervisor()}/root{path}")


def test_tailnet_of_forty_thousand(node, space, tmp_path, figure):
    """No Headscale has that many: the program out of the image in a pod with the fakes of tests/bench."""
    ours = tmp_path / "containerboot"
    ours.write_bytes(_program_of(space, layout.PROXY_IMAGE, "/usr/local/bin/containerboot").read_bytes())
    ours.chmod(0o755)
    programs = {"ours": ours, "reference": settings.partner("operator") / "containerboot"}
    node.load_image(images.bench(node.folder, **programs))
    script = _MEASURE.format(sizes=list(MOST_MIB_OF), names=list(programs))
    container = {"name": "bench", "image": layout.BENCH_IMAGE, "imagePullPolicy": "Never", "securityContext": {"privileged": True},
                 "command": ["/usr/bin/python3", "-c", script]}
    space.apply(objects.pod("bench", objects.pod_spec([container], restartPolicy="Never")))
    pod = space.pod("bench", "bench")
    ended = wait.wait_for(pod.ended, 120, "the measurement ends", interval=0.5)
    assert ended["exitCode"] == 0, pod.log()
    measured = {(name, peers): (start, resident) for name, peers, start, resident in map(json.loads, pod.log().splitlines())}
    for (name, peers), (start, resident) in measured.items():
        figure(f"{name}, {peers} peers: start {start * 1000:.0f} ms, resident {resident:.1f} MiB")
    for peers, most in MOST_MIB_OF.items():
        assert measured["ours", peers][1] <= most
    assert measured["ours", LARGE][0] < measured["reference", LARGE][0]
