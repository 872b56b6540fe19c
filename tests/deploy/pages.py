"""Documents that are run: their fenced blocks `sh` are executed as they stand, `text` is what the block before prints.

In a text, … stands for anything; each line must occur in this order. A block with a text only looks, so it is executed again until
the text matches. Commands of one section share their variables and a folder in which deploy/ is the tree's.
"""

import os
import re
import subprocess
import time

from charts import ROOT

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
_DEADLINE = 100


class Block:
    """Commands, the line at which they stand, and the text that they must print."""

    def __init__(self, place, commands):
        self.place = place
        self.commands = commands
        self.expected = None


def sections(name):
    """Title → blocks of the sections of a document that have commands."""
    text = (ROOT / "docs" / name).read_text()
    found, titles = {}, [(match.start(), match[1]) for match in re.finditer(r"^## (.*)$", text, re.M)]
    for match in _FENCE.finditer(text):
        place = f"docs/{name}:{text.count(chr(10), 0, match.start()) + 1}"
        title = [title for start, title in titles if start < match.start()][-1]
        blocks = found.setdefault(title, [])
        if match[1] == "sh":
            blocks.append(Block(place, match[2]))
        elif match[1] == "text" and blocks and blocks[-1].expected is None:
            blocks[-1].expected = match[2].strip()
        else:
            raise ValueError(f"{place}: neither commands nor what they print")
    return found


def indented(name, title):
    """The commands of a section that has them as indented lines; name is a file of the tree."""
    text = (ROOT / name).read_text()
    start = text.index(f"\n{title}\n")
    section = re.split(r"^##", text[start + len(title) + 2:], maxsplit=1, flags=re.M)[0]
    commands = "".join(re.findall(r"^    (.*\n)", section, re.M))
    return Block(f"{name}:{text.count(chr(10), 0, start) + 2}", commands)


def matches(expected, printed):
    """Whether the lines of a text occur in what was printed, in this order."""
    lines = [".*".join(map(re.escape, line.split("…"))) for line in expected.splitlines()]
    return re.search("(?:.|\n)*?".join(lines), printed) is not None


class Shell:
    """Runs blocks; programs named in `programs` (name → command line) go before those of the machine."""

    def __init__(self, folder, programs, replacements):
        self.folder = folder
        self._replacements = replacements
        (folder / "bin").mkdir(parents=True)
        os.symlink(ROOT / "deploy", folder / "deploy")
        for name, command in programs.items():
            program = folder / "bin" / name
            program.write_text(f"#!/bin/bash\n{command}\n")
            program.chmod(0o755)
        self._state = folder / "variables"
        self._state.write_text("")

    def _once(self, commands):
        for written, meant in self._replacements.items():
            commands = commands.replace(written, meant)
        script = f'set -a; . "{self._state}"\n{commands}\nexport -p >"{self._state}"\n'
        environment = dict(os.environ, PATH=f"{self.folder}/bin:{os.environ['PATH']}")
        return subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=self.folder, env=environment,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=180, check=False)

    def run(self, block):
        """Executes a block; fails with its place and what it printed."""
        end = time.monotonic() + _DEADLINE
        while True:
            done = self._once(block.commands)
            if done.returncode == 0 and (block.expected is None or matches(block.expected, done.stdout)):
                return
            if block.expected is None or time.monotonic() > end:
                wanted = f", wanted:\n{block.expected}" if block.expected else ""
                raise AssertionError(f"{block.place}: exit code {done.returncode}, printed:\n{done.stdout}{wanted}")
            time.sleep(0.5)
