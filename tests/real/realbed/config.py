"""Config files of the one-step mode, in a folder that changes as a mounted Secret does."""

import json

from . import settings
from .mounted import MountedFolder

CAPABILITY_VERSION = 142


def config_text(key, hostname):
    """A config file for the daemon, with a comment and a trailing comma as HuJSON allows."""
    fields = {"Version": "alpha0", "ServerURL": settings.CONTROL_URL, "AuthKey": key, "Hostname": hostname,
              "acceptDNS": "false", "Locked": "false"}
    fields = {name: value for name, value in fields.items() if value is not None}
    body = json.dumps(fields, indent=1).replace('"false"', "false")
    return "// made for one story\n" + body[:-2] + ",\n}\n"


def config_folder(pod, key, hostname=None):
    """Gives a pod its config folder; an older file lies beside the one that is to be chosen."""
    texts = config_files(key, hostname or pod.name)
    mounted = MountedFolder(pod.folder / "config", texts)
    pod.environment["TS_EXPERIMENTAL_VERSIONED_CONFIG_DIR"] = mounted.path
    return mounted


def config_files(key, hostname):
    return {f"cap-{CAPABILITY_VERSION}.hujson": config_text(key, hostname),
            "cap-95.hujson": config_text("older-file-chosen-by-mistake", "older")}
