"""What an examination says: one check a line, with its remedy when something is wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from traceback import extract_tb

from dialer.types import DialerError


class Status(StrEnum):
    """How a check ended, worst first."""

    FAILED = "failed"
    WARN = "warn"
    SKIPPED = "skipped"
    OK = "ok"


@dataclass(frozen=True, slots=True)
class Check:
    """One fact about one part (`redis`, `node ast1`): what was found and, unless all is well, what to do."""

    part: str
    name: str
    status: Status
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """The part that is being examined: makes its checks."""

    name: str

    def ok(self, name: str, detail: str) -> Check:
        """All is well."""
        return Check(self.name, name, Status.OK, detail)

    def warn(self, name: str, detail: str, remedy: str) -> Check:
        """Calls can be placed, but not as they should be."""
        return Check(self.name, name, Status.WARN, detail, remedy)

    def failed(self, name: str, detail: str, remedy: str) -> Check:
        """No call, or a wrong one."""
        return Check(self.name, name, Status.FAILED, detail, remedy)

    def skipped(self, name: str, detail: str, remedy: str = "") -> Check:
        """It could not be looked at, or there is nothing to look at."""
        return Check(self.name, name, Status.SKIPPED, detail, remedy)

    def broken(self, name: str, error: DialerError) -> Check:
        """An error on purpose says what is wrong and, after its last semicolon, what to do."""
        detail, _, remedy = str(error).rpartition("; ")
        return self.failed(name, detail or remedy, remedy if detail else "see the message")


async def told(part: Part, name: str, probe: Awaitable[Sequence[Check]], deadline_s: float) -> Sequence[Check]:
    """Return what a probe found; whatever goes wrong with it becomes a failed check and hides no other part.

    An error nobody expected is told as such: an examination that ends in a traceback has examined nothing.
    """
    try:
        async with asyncio.timeout(deadline_s):
            return await probe
    except TimeoutError:
        return [part.failed(name, f"no answer within {deadline_s:g} s", "look at its load and at the network between")]
    except DialerError as exc:
        return [part.broken(name, exc)]
    except Exception as exc:
        frame = extract_tb(exc.__traceback__)[-1]
        where = f"{Path(frame.filename).name}:{frame.lineno}"
        remedy = f"see the message; if it does not help, the dialer's makers want to know it, and where: {where}"
        return [part.failed(name, f"unexpected: {type(exc).__name__}: {exc}", remedy)]
