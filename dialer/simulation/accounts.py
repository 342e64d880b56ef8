"""The manager users of a node, read from the very manager.conf that `dialer asterisk config` renders."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5

from dialer.simulation.filters import EventFilter, parse_filter
from dialer.types import ConfigError

_HEADER = re.compile(r"\[(?P<name>[^]]+)](?:\((?P<parents>[^)]*)\))?")
_TEMPLATE = "!"
_OPTION = re.compile(r"(?P<name>[^=]*?)\s*=>?\s*(?P<value>.*)")
_YES = frozenset({"yes", "true", "on", "1", "y", "t"})


@dataclass(frozen=True, slots=True)
class Account:
    """One user: what it may read and order, whether it may log in twice, what it wants to hear."""

    name: str
    secret: str = field(repr=False)
    read: frozenset[str]
    write: frozenset[str]
    multiple: bool
    filter: EventFilter

    def knows(self, secret: str) -> bool:
        """Tell whether this is the user's secret."""
        return bool(self.secret) and hmac.compare_digest(self.secret.encode(), secret.encode())

    def answers(self, challenge: str, key: str) -> bool:
        """Tell whether `key` is the user's answer to a challenge."""
        expected = md5(f"{challenge}{self.secret}".encode(), usedforsecurity=False).hexdigest()
        return bool(self.secret and challenge) and hmac.compare_digest(expected, key)


@dataclass(frozen=True, slots=True)
class Accounts:
    """Every user by name, the events that the node never sends, and how long a stranger may stay."""

    users: Mapping[str, Account]
    disabled: frozenset[str]
    auth_timeout_s: float


def read_accounts(text: str) -> Accounts:
    """Return the users of a manager.conf; raise ConfigError for what the simulated node does not know."""
    sections = dict(sections_of(text))
    general = dict(sections.pop("general", []))
    multiple = general.get("allowmultiplelogin", "yes")
    users = {name: _account(name, options, multiple) for name, options in sections.items()}
    disabled = _words(general.get("disabledevents", ""))
    return Accounts(users, disabled, float(general.get("authtimeout", "30")))


def _account(name: str, options: Sequence[tuple[str, str]], multiple: str) -> Account:
    given = dict(options)
    rules = [parse_filter(option, value) for option, value in options if option.startswith("eventfilter")]
    return Account(
        name=name,
        secret=given.get("secret", ""),
        read=_words(given.get("read", "")),
        write=_words(given.get("write", "")),
        multiple=given.get("allowmultiplelogin", multiple).lower() in _YES,
        filter=EventFilter(tuple(rules)),
    )


def sections_of(text: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield the sections of an Asterisk file as it reads them: name and options, in order.

    What a section inherits comes first in it; a template, marked (!), is there to be inherited only.
    """
    known: dict[str, list[tuple[str, str]]] = {}
    found: list[tuple[str, list[tuple[str, str]]]] = []
    options: list[tuple[str, str]] = []
    for line in _lines(text):
        if header := _HEADER.match(line):
            parents = (header["parents"] or "").split(",")
            options = [option for parent in parents for option in known.get(parent, ())]
            known.setdefault(header["name"], options)
            found += [] if _TEMPLATE in parents else [(header["name"], options)]
        else:
            options.append(_option(line))
    yield from found


def _lines(text: str) -> Iterator[str]:
    for raw in text.splitlines():
        line = raw.partition(";")[0].strip() if ";" in raw and "\\;" not in raw else raw.strip()
        if line:
            yield line


def _option(line: str) -> tuple[str, str]:
    match = _OPTION.fullmatch(line)
    if match is None:
        raise ConfigError(f"{line!r} is no option of an Asterisk file: write it as name = value")
    return match["name"].strip(), match["value"].strip()


def _words(text: str) -> frozenset[str]:
    return frozenset(word.strip() for word in text.split(",") if word.strip())
