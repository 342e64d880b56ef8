"""Who may come in: challenge, login and logoff, with Asterisk's words, its second of penalty and its fence."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dialer.simulation.accounts import Account, Accounts
from dialer.simulation.protocol import Request
from dialer.simulation.replies import answer, done, lines, refusal

PENALTY_S: Final = 1.0
"""How long Asterisk lets a refused login wait, in real seconds."""

_OFF: Final = frozenset({"off", "no", "false", "0"})


@dataclass(frozen=True, slots=True)
class Reply:
    """What is written, after how many seconds, and whether the connection ends with it."""

    data: bytes
    delay_s: float = 0.0
    close: bool = False


@dataclass(frozen=True, slots=True)
class Entrance:
    """One node's door; `holds` tells whether somebody is logged in as a user."""

    accounts: Accounts
    holds: Callable[[str], bool]
    rng: random.Random

    def challenge(self, request: Request) -> tuple[Reply, str]:
        """Return a number to be answered, with the reply that tells it."""
        if request.get("AuthType").lower() != "md5":
            return Reply(refusal(request.action_id, "Must specify AuthType")), ""
        number = str(self.rng.randrange(1_000_000, 1_000_000_000))
        return Reply(answer("Success", request.action_id, (("Challenge", number),))), number

    def login(self, request: Request, challenge: str) -> tuple[Reply, Account | None]:
        """Return the user who may come in, or why nobody may."""
        account = self.accounts.users.get(request.get("Username"))
        if account is None:
            return self._refused(request, "Authentication failed"), None
        if not account.multiple and self.holds(account.name):
            return self._refused(request, "Login Already In Use"), None
        if not _proves(account, request, challenge):
            return self._refused(request, "Authentication failed"), None
        return Reply(done(request.action_id, "Authentication accepted")), account

    @staticmethod
    def logoff(request: Request) -> Reply:
        """Say goodbye."""
        return Reply(answer("Goodbye", request.action_id, (("Message", "Thanks for all the fish."),)), close=True)

    @staticmethod
    def _refused(request: Request, message: str) -> Reply:
        return Reply(refusal(request.action_id, message), PENALTY_S, close=True)


def _proves(account: Account, request: Request, challenge: str) -> bool:
    if request.get("AuthType").lower() == "md5":
        return account.answers(challenge, request.get("Key"))
    return account.knows(request.get("Secret"))


def wants_events(request: Request) -> frozenset[str] | None:
    """Return the classes of events a login asks for, None for all that the user may read."""
    mask = request.get("Events").lower()
    if mask in _OFF:
        return frozenset()
    return None if mask in {"", "on", "yes", "true", "all", "1"} else frozenset(mask.split(","))


def fully_booted(uptime_s: int) -> bytes:
    """Return the event a listener is greeted with; Asterisk sends it without time and name."""
    told = (("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", str(uptime_s)))
    return (lines((*told, ("LastReload", str(uptime_s)), ("Status", "Fully Booted"))) + "\r\n").encode()
