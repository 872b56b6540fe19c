"""Every command of the pages for people is executed, from the text itself."""

import shlex

import pytest

from nodebed import images, layout, objects
from realbed import settings
from shipped import charts, pages

VERSION = "0.1.0"
REFERENCE = "docker.io/tailscale/tailscale:v1"
KEY = "tskey-auth-…"


class Reader:
    """A person at a terminal, in front of one section: the story's Kubernetes namespace is the current one."""

    def __init__(self, node, space, folder, cloud):
        self.space = space
        self.folder = folder
        folder.mkdir(parents=True)
        (folder / "ca.crt").write_text(node.authority.certificate.read_text())
        (folder / "kubeconfig").write_bytes(node.kubeconfig.read_bytes())
        kubectl = f"exec {layout.kubernetes('kubectl')} --kubeconfig={folder}/kubeconfig"
        # The node's Headscale plays Tailscale's cloud.
        cloud_flags = (f"--set tailscale.controlUrl={settings.CONTROL_URL} --set tailscale.ca.configMap={objects.AUTHORITY}"
                       if cloud else "")
        helm = (f'export KUBECONFIG={folder}/kubeconfig\ncase $1 in install | upgrade) more="{cloud_flags}" ;; esac\n'
                f'exec {charts.program()} "$@" ${{more:-}}')
        _, key = node.headscale.new_key(reusable=True)
        self.shell = pages.Shell(folder / "shell", {
            "kubectl": f'{kubectl} "$@"', "helm": helm, "headscale": f'exec {node.headscale.command_line()} "$@"',
        }, {KEY: key, "https://headscale.example.com": settings.CONTROL_URL})
        (folder / "ca.crt").rename(folder / "shell/ca.crt")
        self.run(f"kubectl config set-context --current --namespace={space.name}")

    def run(self, commands):
        """Commands that the page takes for granted."""
        self.shell.run(pages.Block("before the page", commands))

    def read(self, page, title):
        for block in pages.sections(page)[title]:
            self.shell.run(block)


@pytest.fixture
def reader(node, space, tmp_path):
    def make(cloud=True):
        return Reader(node, space, tmp_path / "reader", cloud)
    return make


@pytest.fixture(scope="module", autouse=True)
def image(node):
    """The name by which the pages call the image."""
    for machine in node.nodes:
        machine.ctr("images", "tag", "--force", layout.PROXY_IMAGE, f"localhost/tailboot:{VERSION}")


def install(reader, **more):
    """The proxy of the pages, with or without its key."""
    flags = " ".join(f"--set {name}={value}" for name, value in more.items())
    reader.run(f"helm install web-proxy deploy/charts/tailboot --set mode=httpProxy --set tailscale.auth.secret=tailnet-key {flags}")


def key(reader, name="authkey", value=KEY):
    reader.run(f"kubectl create secret generic tailnet-key --from-literal={name}={shlex.quote(value)}")


def running(reader):
    key(reader)
    install(reader)
    reader.run("kubectl rollout status --timeout=120s statefulset/web-proxy")


def reference(reader):
    """A Deployment that runs the reference's entry program, on the same daemon."""
    node, space = reader.space.bed, reader.space
    archive = images.proxy(reader.folder, settings.partner("operator") / "containerboot", REFERENCE)
    node.load_image(archive)
    space.node_state("web-state")
    container = objects.proxy({"TS_KUBE_SECRET": "web-state", "TS_HOSTNAME": "web"}, kernel=False, probes=False, image=REFERENCE,
                              readinessProbe={"httpGet": {"path": "/healthz", "port": objects.HEALTH_PORT}})
    spec = objects.pod_spec([container], account_name="web-state")
    space.apply(objects.workload("Deployment", "web", spec, strategy={"type": "Recreate"}))
    reader.run("kubectl rollout status --timeout=120s deployment/web")


STORIES = {
    ("getting-started.md", "With Tailscale"): None,
    ("getting-started.md", "With Headscale"): None,
    ("migration.md", "In a Deployment"): reference,
    ("operating.md", "Upgrade and roll back"): running,
    ("operating.md", "Is it healthy"): running,
    ("operating.md", "The Secret with the key is missing"): install,
    ("operating.md", "The key has another name in the Secret"): lambda reader: (key(reader, "proxy-key"), install(reader)),
    ("operating.md", "The key is refused"): lambda reader: (key(reader, value="hskey-auth-000000000000-" + 64 * "0"), install(reader)),
}


@pytest.mark.parametrize("page, title", STORIES, ids=lambda text: text.replace(" ", "-").removesuffix(".md").lower())
def test_section(reader, page, title):
    person = reader(cloud=title != "With Headscale")
    if STORIES[page, title]:
        STORIES[page, title](person)
    person.read(page, title)


def test_front_page(reader):
    """The README's way to a first proxy."""
    person = reader()
    person.shell.run(pages.indented("README.md", "### Kubernetes"))
    person.run("kubectl rollout status --timeout=120s statefulset/proxy")


def test_no_section_is_left_out():
    named = {page for page, _ in STORIES}
    assert {(page, title) for page in named for title in pages.sections(page)} == set(STORIES)
