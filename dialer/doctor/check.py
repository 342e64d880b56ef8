"""What an examination says: one check a line, with its remedy when something is wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

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


def worst(checks: Sequence[Check]) -> Status:
    """Return the worst status among the checks; `ok` when there is none."""
    order = list(Status)
    return min((check.status for check in checks), key=order.index, default=Status.OK)
