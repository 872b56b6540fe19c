"""Black-box stories: state in a Kubernetes Secret, key re-issue, stop during a state write."""

import fcntl
import signal

import pytest
from fakes import notify, testroot
from harness import CAPVER, KUBE, SET, UP
from phases import Phase, Story, run_story

pytestmark = pytest.mark.both_generations

KEY = {"authkey": "tskey-key"}
BOOTED = {"tailscale_capver": CAPVER}
DEVICE = {"device_id": "myID", "device_fqdn": "test-node.test.ts.net.",
          "device_ips": '["100.64.0.1"]'}
NEW_CONFIG = '{"Version":"alpha0","AuthKey":"new-reissued-auth-key"}'
CONFIG_DIR = {"TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR": "{D}/etc/tailscaled/"}
WITH_CONFIG = KUBE + " --config=/etc/tailscaled/cap-95.hujson"


def reissue(message):
    """The whole re-issue protocol, begun by that notification."""
    return Story(kube=True, env=CONFIG_DIR, phases=[
        Phase(update_files={"etc/tailscaled/..data": ""}, want_cmds=[WITH_CONFIG],
              want_secret=BOOTED),
        Phase(notify=message, want_log="watching for config changes via fsnotify",
              want_secret=dict(BOOTED, reissue_authkey=testroot.CONFIG_KEY)),
        Phase(update_files={"etc/tailscaled/cap-95.hujson": NEW_CONFIG,
                            "etc/tailscaled/..data": "updated"},
              want_secret=BOOTED, want_exit=0,
              want_log="Successfully received new auth key, restarting to apply configuration")])


WRITING = {"_machinekey": "foo", "_profiles": "foo", "profile-baff": "foo"}

STORIES = {
    "kube_storage": Story(kube=True, env={"POD_UID": "some-pod-uid"}, secret=KEY, phases=[
        Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"],
              want_secret=dict(KEY, **BOOTED, pod_uid="some-pod-uid")),
        Phase(notify=notify.running(),
              want_secret=dict(KEY, **BOOTED, **DEVICE, pod_uid="some-pod-uid"))]),
    "kube_disk_storage": Story(
        kube=True,
        env={"TS_KUBE_SECRET": "", "TS_STATE_DIR": "{D}/tmp", "TS_AUTHKEY": "tskey-key"},
        phases=[
            Phase(want_cmds=["/usr/bin/tailscaled --socket=/tmp/tailscaled.sock --statedir=/tmp "
                             "--tun=userspace-networking", UP + " --authkey=tskey-key"]),
            Phase(notify=notify.running())]),
    "kube_storage_no_patch": Story(
        kube=True, deny_patch=True, env={"TS_AUTHKEY": "tskey-key"}, phases=[
            Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"]),
            Phase(notify=notify.running())]),
    "kube_storage_auth_once": Story(kube=True, env={"TS_AUTH_ONCE": "true"}, secret=KEY, phases=[
        Phase(want_cmds=[KUBE], want_secret=dict(KEY, **BOOTED)),
        Phase(notify=notify.state(notify.NEEDS_LOGIN), want_cmds=[UP + " --authkey=tskey-key"],
              want_secret=dict(KEY, **BOOTED)),
        Phase(notify=notify.running(), want_cmds=[SET], want_secret=dict(BOOTED, **DEVICE))]),
    "kube_storage_updates": Story(kube=True, secret=KEY, phases=[
        Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"], want_secret=dict(KEY, **BOOTED)),
        Phase(notify=notify.running(), want_secret=dict(KEY, **BOOTED, **DEVICE)),
        Phase(notify=notify.running(notify.node("newID", "new-name.test.ts.net.")),
              want_secret=dict(KEY, **BOOTED, device_id="newID",
                               device_fqdn="new-name.test.ts.net.",
                               device_ips='["100.64.0.1"]'))]),
    "sets_reissue_authkey_if_needs_login": reissue(notify.state(notify.NEEDS_LOGIN)),
    "sets_reissue_authkey_if_auth_fails": reissue(notify.login_warning()),
    "clears_reissue_authkey_on_change": Story(
        kube=True, env=CONFIG_DIR, secret={"reissue_authkey": "some-older-authkey", "foo": "bar"},
        phases=[
            Phase(want_cmds=[WITH_CONFIG], want_secret=dict(BOOTED, foo="bar")),
            Phase(notify=notify.running(), want_secret=dict(BOOTED, **DEVICE, foo="bar"))]),
    "kube_shutdown_during_state_write": Story(
        kube=True, env={"TS_ENABLE_HEALTH_CHECK": "true"}, secret=KEY, phases=[
            Phase(want_cmds=[KUBE, UP + " --authkey=tskey-key"], want_secret=dict(KEY, **BOOTED)),
            Phase(update_secret=WRITING, signal=signal.SIGTERM,
                  want_log="Waiting for tailscaled to finish writing state to Secret "
                           '"tailscale"',
                  want_secret=dict(KEY, **BOOTED, **WRITING)),
            Phase(update_secret={"_current-profile": "foo"}, want_exit=0,
                  want_log="HTTP server at [::]:9002 closed",
                  want_secret=dict(KEY, **BOOTED, **WRITING, **{"_current-profile": "foo"}))]),
}


@pytest.mark.parametrize("name", STORIES)
def test_story(world, name):
    """One story of the black-box suite; stories on the default port take turns."""
    with open("/tmp/tailboot-port-9002.lock", "w", encoding="ascii") as turn:
        if "TS_ENABLE_HEALTH_CHECK" in STORIES[name].env:
            fcntl.flock(turn, fcntl.LOCK_EX)
        run_story(world, STORIES[name])
