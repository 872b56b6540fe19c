"""The fake `tailscaled` and `tailscale` that record how they were called.

They are bash scripts in D/usr/bin. A variant is chosen when the script is written; a script may
be replaced while the program runs, the next start then uses the new one.
"""

import os
import pathlib

_HEAD = """#!/usr/bin/env bash
# A fake daemon: records its arguments and links the fake LocalAPI socket into place.
set -eu
echo $0 $@ >>$TS_TEST_RECORD_ARGS
socket=""
while [[ $# -gt 0 ]]; do
    case $1 in
        --socket=*) socket="${1#--socket=}"; shift ;;
        --socket) shift; socket="$1"; shift ;;
        *) shift ;;
    esac
done
if [[ -z "$socket" ]]; then
    echo "didn't find socket path in args"
    exit 1
fi
"""

_LINK = """ln -s "$TS_TEST_SOCKET" "$socket"
trap 'rm -f "$socket"' EXIT
"""

# `wait` is interrupted by a signal at once, `sleep` in the foreground is not.
_LINK_AGAIN = """ln -sfn "$TS_TEST_SOCKET" "$socket"
trap 'rm -f "$socket"' EXIT
trap 'kill ${sleeper:-} 2>/dev/null; exit 0' TERM
"""
_STAY = "sleep 600 & sleeper=$!\nwait $sleeper\n"

DAEMONS = {
    # what the black-box protocol prescribes
    "plain": _HEAD + _LINK + "while sleep 10; do :; done\n",
    # may be started again, and ends at once on SIGTERM
    "lively": _HEAD + _LINK_AGAIN + _STAY,
    # never makes the socket
    "no_socket": _HEAD + "trap 'kill ${sleeper:-}; exit 0' TERM\n" + _STAY,
    # leaves before it ever served
    "exits": _HEAD + "exit ${FAKE_STATUS:-7}\n",
    # the same, with a last word
    "complains": _HEAD + "echo 'store: TS_AUTHKEY=tskey-k1234567 is of no use' >&2\n"
                 + "exit ${FAKE_STATUS:-7}\n",
    # writes a lot before it serves
    "chatty": _HEAD + "for ((i = 0; i < 20000; i++)); do echo \"line $i of a chatty daemon\"; done >&2\n"
              + _LINK_AGAIN + _STAY,
    # killed by a signal before it ever served
    "crashes": _HEAD + "kill -SEGV $$\nsleep 5\n",
    # ignores SIGTERM
    "stubborn": _HEAD + "trap '' TERM\nln -sfn \"$TS_TEST_SOCKET\" \"$socket\"\n"
                + "while :; do sleep 600 & wait $! || :; done\n",
    # starts a grandchild that outlives its parent, and a child that ends at once
    "leaves_orphans": _HEAD + _LINK_AGAIN + "(bash -c 'sleep 0.2' & ) \n(bash -c 'exit 3' & )\n"
                      + _STAY,
    # the same with hundreds of them at once
    "leaves_many_orphans": _HEAD + _LINK_AGAIN + "for i in {1..200}; do (sleep 0.0$((i % 10)) & )"
                           " done\n" + _STAY,
}

CLIS = {
    "plain": "#!/usr/bin/env bash\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n",
    # fails as `tailscale up` does when it is refused
    "fails": "#!/usr/bin/env bash\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n"
             "echo 'backend error: invalid key: API key does not exist' >&2\nexit 1\n",
    # waits for ever, as an interactive login does
    "hangs": "#!/usr/bin/env bash\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n"
             "echo 'To authenticate, visit:' >&2\n"
             "sleep 600 & trap \"kill $!; exit 1\" TERM; trap \"kill $!; exit 0\" USR1\nwait\n",
    # hangs and does not listen to SIGTERM
    "stubborn": "#!/usr/bin/env bash\ntrap '' TERM INT\necho $0 $@ >>$TS_TEST_RECORD_ARGS\n"
                "while :; do sleep 600 & wait $!; done\n",
}


def write_script(path, text):
    """Write an executable script atomically."""
    path = pathlib.Path(path)
    new = path.with_name(path.name + ".new")
    new.write_text(text)
    os.chmod(new, 0o755)
    os.rename(new, path)


def install(root, daemon="plain", cli="plain", status=None):
    """Write the four commands into ROOT/usr/bin. `status` is the exit status of `exits`."""
    folder = pathlib.Path(root, "usr/bin")
    folder.mkdir(parents=True, exist_ok=True)
    text = DAEMONS[daemon]
    if status is not None:
        text = text.replace("${FAKE_STATUS:-7}", str(status))
    write_script(folder / "tailscaled", text)
    write_script(folder / "tailscale", CLIS[cli])
    for name in ("iptables", "ip6tables"):
        write_script(folder / name, CLIS["plain"])
