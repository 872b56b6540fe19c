"""Black-box stories: HTTP endpoints and the serve config."""

import pytest
from fakes import notify
from harness import CAPVER, KUBE, UP, USERSPACE
from phases import ANY, Phase, Story, run_story

pytestmark = pytest.mark.both_generations

LOCAL = {"TS_LOCAL_ADDR_PORT": "[::]:{port}"}
SERVE = "{D}/etc/tailscaled/serve-config.json"
SERVICES = "{D}/etc/tailscaled/serve-config-with-services.json"


def endpoints(env, before, after):
    """A story about what the listeners say before and after Running."""
    return Story(env=dict(LOCAL, **env), phases=[
        Phase(want_cmds=[USERSPACE, UP], endpoints=before),
        Phase(notify=notify.running(), endpoints=after)])


def serve(path):
    """A story with a serve config outside Kubernetes."""
    return Story(env={"TS_SERVE_CONFIG": path, "TS_AUTHKEY": "tskey-key"}, phases=[
        Phase(want_cmds=[USERSPACE, UP + " --authkey=tskey-key"]),
        Phase(notify=notify.running())])


KEY = {"authkey": "tskey-key", "tailscale_capver": CAPVER}

STORIES = {
    "metrics_enabled": endpoints({"TS_ENABLE_METRICS": "true"},
                                 {"{port}/metrics": 200, "{port}/healthz": ANY}, {}),
    "health_enabled": endpoints({"TS_ENABLE_HEALTH_CHECK": "true"},
                                {"{port}/metrics": ANY, "{port}/healthz": 503},
                                {"{port}/metrics": ANY, "{port}/healthz": 200}),
    "metrics_and_health_on_same_port": endpoints(
        {"TS_ENABLE_METRICS": "true", "TS_ENABLE_HEALTH_CHECK": "true"},
        {"{port}/metrics": 200, "{port}/healthz": 503},
        {"{port}/metrics": 200, "{port}/healthz": 200}),
    "local_metrics_and_deprecated_health": endpoints(
        {"TS_ENABLE_METRICS": "true", "TS_HEALTHCHECK_ADDR_PORT": "[::]:{health}"},
        {"{port}/metrics": 200, "{health}/healthz": 503},
        {"{port}/metrics": 200, "{health}/healthz": 200}),
    "serve_config_no_kube": serve(SERVE),
    "serve_config_with_service_auto_advertisement": serve(SERVICES),
    "serve_config_kube": Story(
        kube=True, env={"TS_SERVE_CONFIG": SERVE}, secret={"authkey": "tskey-key"}, phases=[
            Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"], want_secret=KEY),
            Phase(notify=notify.running(),
                  want_secret=dict(KEY, device_id="myID", device_fqdn="test-node.test.ts.net.",
                                   device_ips='["100.64.0.1"]', https_endpoint="no-https"))]),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(world, name):
    """One story of the black-box suite."""
    run_story(world, STORIES[name])
