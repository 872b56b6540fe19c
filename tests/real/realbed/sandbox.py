"""The mount and pid namespaces of a program, built by launch.sh: what a container runtime would give it."""

from pathlib import Path

from . import settings

_LAUNCH = Path(__file__).resolve().parent / "launch.sh"
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def prepare(folder, hosts):
    """Writes the hosts and resolver files that the program will see; hosts maps names to addresses."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [f"{address} {name}" for name, address in hosts.items()]
    (folder / "hosts").write_text("\n".join(lines) + "\n")
    # No server listens there: a name that the hosts file does not know fails at once instead of timing out.
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")


def command(folder, arguments, *, own_pids):
    """The command line that runs arguments in there; own_pids makes the program PID 1 of its own."""
    pids = ["--pid", "--fork", "--kill-child", "--mount-proc"] if own_pids else []
    return ["unshare", "--mount", *pids, "--", _LAUNCH, *arguments]


def environment(folder, keep, *, service_account=None, programs=None):
    """What every program in a sandbox gets: PATH with the partners first, and orders for launch.sh."""
    first = programs or settings.partner("tailscale")
    result = {
        "PATH": f"{first}:{_SYSTEM_PATH}",
        "BED_FOLDER": folder,
        "BED_KEEP": ":".join(str(path) for path in keep),
        "TS_NO_LOGS_NO_SUPPORT": "true",
        "TS_DEBUG_FIREWALL_MODE": "nftables",
    }
    if service_account:
        result["BED_SERVICE_ACCOUNT"] = service_account
    return result
