"""What a pod names and is not there: the pod's events and our log say which object, and which key."""

import json

from nodebed import objects
from realbed import wait


def _events(space, pod):
    """The texts of the events of a pod."""
    listed = json.loads(space.kubectl("get", "events", "-o", "json", f"--field-selector=involvedObject.name={pod}"))
    return "\n".join(one["message"] for one in listed["items"])


def _wait_event(space, pod, text):
    wait.wait_for(lambda: text in _events(space, pod), 30, f"an event of {pod} says {text!r}", interval=0.3)


def _key_of(secret, key):
    return {"name": "TS_AUTHKEY", "valueFrom": {"secretKeyRef": {"name": secret, "key": key}}}


def _with_key(secret, key):
    container = objects.proxy({"TS_KUBE_SECRET": ""}, kernel=False, probes=False)
    container["env"].append(_key_of(secret, key))
    return objects.pod_spec([container])


def test_events_name_the_secret_and_the_key(space):
    """kubelet does not start the container, and says why; when the key is there, it does."""
    space.apply(objects.secret("keys", {"other": "x"}))
    volume = {"name": "certificate", "secret": {"secretName": "no-such-authority"}}
    mounted = objects.proxy({"TS_KUBE_SECRET": ""}, kernel=False, probes=False,
                            mounts=[{"name": "certificate", "mountPath": "/etc/certificate"}])
    space.apply(objects.pod("no-secret", _with_key("no-such-secret", "authkey")),
                objects.pod("no-key", _with_key("keys", "authkey")),
                objects.pod("no-volume", objects.pod_spec([mounted], volumes=[volume])))
    _wait_event(space, "no-secret", 'secret "no-such-secret" not found')
    _wait_event(space, "no-key", f"couldn't find key authkey in Secret {space.name}/keys")
    _wait_event(space, "no-volume", 'secret "no-such-authority" not found')
    _, key = space.bed.headscale.new_key()
    space.apply(objects.secret("keys", {"authkey": key}))
    space.pod("no-key").wait_log("Startup complete", 60)


def test_log_names_the_secret_and_the_key(space):
    """The supervisor's own: its state Secret is missing, or has no key in it, or a file is not mounted."""
    never = {"restartPolicy": "Never"}
    space.apply(*objects.account("no-state", ["no-state"]), *objects.state("no-authkey", None))
    plain = objects.proxy({}, kernel=False, probes=False)
    no_file = objects.proxy({"TS_KUBE_SECRET": "", "TAILBOOT_CA_FILE": "/etc/authority/ca.crt"}, kernel=False,
                            probes=False)
    space.apply(objects.pod("no-state", objects.pod_spec([plain], account_name="no-state", **never)),
                objects.pod("no-authkey", objects.pod_spec([plain], account_name="no-authkey", **never)),
                objects.pod("no-file", objects.pod_spec([no_file], **never)))
    space.pod("no-state").wait_log("tailscale state Secret no-state does not exist and we don't have permissions to "
                                   "create it", 30)
    space.pod("no-authkey").wait_log("condition KeyMissing: no auth key was given, neither by TS_AUTHKEY nor by the "
                                     "key authkey of the Secret no-authkey", 30)
    space.pod("no-file").wait_log("TAILBOOT_CA_FILE: open /etc/authority/ca.crt: No such file or directory", 30)
    ended = wait.wait_for(space.pod("no-file").ended, 20, "its last state")
    assert ended["message"].startswith("TAILBOOT_CA_FILE: open /etc/authority/ca.crt: ")
