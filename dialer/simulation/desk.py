"""What every order and question at the manager interface needs, and how its answers are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from dialer.simulation.accounts import Account
from dialer.simulation.filters import Filter
from dialer.simulation.installation import Installation
from dialer.simulation.node import Node
from dialer.simulation.protocol import Request
from dialer.simulation.replies import done
from dialer.types import Clock


class Caller(Protocol):
    """The session that asks."""

    @property
    def account(self) -> Account | None:
        """Who is logged in."""
        ...

    def listen(self, classes: frozenset[str] | None) -> None:
        """Hear events of these classes, or of every class the user may read (None); none at all when empty."""
        ...

    def add_filter(self, rule: Filter) -> None:
        """Hear less, or more, from now on."""
        ...


@dataclass(frozen=True, slots=True)
class Desk:
    """One node behind its counter; `now` is the machine's time in epoch seconds.

    `processed` is how many calls there were, `logins` who is logged in, `globals` the variables of no channel.
    """

    node: Node
    installation: Installation
    clock: Clock
    now: Callable[[], float]
    processed: Callable[[], int]
    logins: Callable[[], list[str]]
    publish: Callable[[str, tuple[tuple[str, str], ...]], None]
    globals: dict[str, str] = field(default_factory=dict)

    def channels_of(self, endpoint: str) -> int:
        """Return how many channels of an endpoint are alive."""
        prefix = f"PJSIP/{endpoint}-"
        return sum(view.channel.startswith(prefix) for view in self.node.channels())


Handler = Callable[[Desk, Caller, Request], bytes]


@dataclass(frozen=True, slots=True)
class Command:
    """One action: its name as Asterisk writes it, what it is for, the classes one of which a user needs (or none)."""

    name: str
    synopsis: str
    classes: tuple[str, ...]
    handler: Handler

    def permits(self, account: Account) -> bool:
        """Tell whether this user may send it."""
        return not self.classes or bool(account.write.intersection(self.classes))


def accepted(request: Request, message: str) -> bytes:
    """Return the answer to an order that was carried out."""
    return done(request.action_id, message)
