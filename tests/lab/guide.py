"""A page of the documentation as something to be followed: its blocks in order, and shells to run them in."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.lab.processes import LabError

_BLOCK = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_ANYTHING = "..."


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block: its language, the words after it, and what it holds."""

    language: str
    words: tuple[str, ...]
    text: str


def blocks(page: Path) -> list[Block]:
    """Return the fenced blocks of a page, in order."""
    return [Block(kind, tuple(words.split()), text) for kind, words, text in _BLOCK.findall(page.read_text())]


def with_values(text: str, values: Mapping[str, str]) -> str:
    """Put the reader's own values into a block of exports; every one of them must be there, and no other."""
    names = set(re.findall(r"^export (\w+)=", text, re.MULTILINE))
    if names != set(values):
        raise LabError(f"the page asks for {sorted(names)}, the test has values for {sorted(values)}")
    return "".join(f"export {name}='{value}'\n" for name, value in values.items())


def shows(output: str, expected: str) -> list[str]:
    """Return the lines of the page that the output does not hold; `...` stands for anything within a line."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    return [line for line in expected.splitlines() if line.strip() and not any(_fits(line, found) for found in lines)]


def _fits(line: str, found: str) -> bool:
    parts = [re.escape(" ".join(part.split())) for part in line.split(_ANYTHING)]
    return re.search(".*".join(parts), found) is not None


class Shell:
    """A bash that stays for a whole page, so that variables and background jobs stay; any failure ends it."""

    def __init__(self, command: Sequence[str], scripts: Path, seen_as: str, cwd: Path, env: Mapping[str, str]) -> None:
        self._scripts, self._seen_as = scripts, seen_as
        self._count = 0
        self._bash = subprocess.Popen(
            [*command, "bash", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
        )
        self._write("set -euo pipefail\n")

    def run(self, text: str, timeout_s: float) -> str:
        """Run one block and return what it printed; a command that fails is an error."""
        self._count += 1
        name = f"block-{self._count}.sh"
        (self._scripts / name).write_text(text)
        end = f"--- end of {name} ---"
        self._write(f". {self._seen_as}/{name} < /dev/null\necho '{end}'\n")
        output = ""
        deadline = time.monotonic() + timeout_s
        while end not in output:
            output += self._read(deadline, f"{output}\nof\n{text}")
        return output.replace(end, "")

    def close(self) -> None:
        """End the shell and everything that it started."""
        for pipe in (self._bash.stdin, self._bash.stdout):
            if pipe is not None:
                pipe.close()
        with suppress(ProcessLookupError):
            os.killpg(self._bash.pid, signal.SIGKILL)
        self._bash.wait(10)

    def _write(self, text: str) -> None:
        assert self._bash.stdin is not None
        self._bash.stdin.write(text.encode())
        self._bash.stdin.flush()

    def _read(self, deadline: float, so_far: str) -> str:
        assert self._bash.stdout is not None
        ready, _, _ = select.select([self._bash.stdout], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise LabError(f"no end of this:\n{so_far}")
        data = os.read(self._bash.stdout.fileno(), 65536)
        if not data:
            raise LabError(f"this failed:\n{so_far}")
        return data.decode(errors="replace")
