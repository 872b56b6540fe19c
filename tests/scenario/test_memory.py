"""After the start no key is in the memory of the program, but in pages that are made for it."""

import base64
import os
import pathlib
import random
import string

from fakes import notify
from fakes.waiting import wait_until
from harness import STARTED

#: what the allocator may write into the begin of memory that was freed
OVERWRITTEN = 16
#: past that it is address space that a sanitizer has set aside
LARGEST = 1 << 30
KEY_LENGTH = 96


def make_key():
    """An auth key that nothing else contains."""
    return "tskey-auth-" + "".join(random.SystemRandom().choices(string.ascii_letters, k=KEY_LENGTH))


def mappings(pid):
    """The writable mappings of a process: (first, behind the last, kept out of core files)."""
    span = None
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text("ascii", "replace").splitlines():
        head, *rest = line.split()
        if "-" in head and not head.endswith(":"):
            span = tuple(int(part, 16) for part in head.split("-")) if rest[0].startswith("rw") else None
        elif head == "VmFlags:" and span is not None and span[1] - span[0] <= LARGEST:
            yield *span, "dd" in rest


def places(pid, texts):
    """Where one of these texts is: (begin of the mapping, kept out of core files)."""
    found = set()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for first, end, is_kept_out in mappings(pid):
            try:
                data = os.pread(memory.fileno(), end - first, first)
            except OSError:  # gone, or guard pages
                continue
            if any(text in data for text in texts):
                found.add((hex(first), is_kept_out))
    return found


def test_key_of_the_secret(world):
    """Replies of the API server hold it in base64; libcurl, libcrypto and the parser had them."""
    key = make_key()
    encoded = base64.b64encode(key.encode())
    # The ends of both: the last group of base64 is another one when more follows.
    texts = (key.encode()[OVERWRITTEN:], encoded[OVERWRITTEN:-4])
    world.kube.set(authkey=key)
    world.lapi.bus.publish(notify.state(notify.NEEDS_LOGIN))
    program = world.start(world.kube_env())
    program.wait_log("Running 'tailscale up'")
    world.lapi.bus.publish(notify.running())
    program.wait_log(STARTED)
    assert any(is_kept_out for _, is_kept_out in places(program.pid, texts)), "the scan finds nothing"
    wait_until(lambda: all(is_kept_out for _, is_kept_out in places(program.pid, texts)), 5,
               lambda: f"the key in no other memory than a secret's: {places(program.pid, texts)}")
