"""What a pod's supervisor costs, beside the reference's entry program in the same pod: the image that people run."""

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
