"""Which events a manager user wants: `eventfilter` lines of manager.conf and filters added over AMI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from dialer.types import ConfigError

_ADVANCED = re.compile(r"eventfilter\((?P<options>.*)\)")
_OPTION = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True, slots=True)
class Filter:
    """One rule: about events of a name, or of any name whose text a pattern is found in; or both."""

    name: str = ""
    pattern: re.Pattern[str] | None = None
    exclude: bool = False

    def hits(self, name: str, text: str) -> bool:
        """Tell whether this rule speaks of the event."""
        return (not self.name or self.name == name) and (self.pattern is None or self.pattern.search(text) is not None)


def parse_filter(option: str, value: str) -> Filter:
    """Return the rule of one line `eventfilter... = value`; raise ConfigError for what is not simulated.

    `eventfilter(name(X)) =` and its `action(exclude)` are the advanced form, `eventfilter = !text` the older one.
    """
    advanced = _ADVANCED.fullmatch(option.replace(" ", ""))
    if advanced is None:
        return legacy_filter(value)
    options = dict(_OPTION.findall(advanced["options"]))
    if set(options) - {"name", "action"}:
        raise ConfigError(f"manager.conf: {option}: the simulated node knows name() and action() only")
    pattern = re.compile(value) if value else None
    return Filter(options.get("name", ""), pattern, options.get("action") == "exclude")


def legacy_filter(text: str) -> Filter:
    """Return the rule of a regular expression over the whole event; `!` in front excludes."""
    return Filter("", re.compile(text.removeprefix("!")), text.startswith("!"))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """All rules of one session, as Asterisk combines them."""

    rules: Sequence[Filter] = ()

    def may_want(self, name: str) -> bool:
        """Tell by the name alone whether the event could be wanted: most are not, and need no text at all."""
        including = [rule for rule in self.rules if not rule.exclude]
        if any(rule.exclude and rule.pattern is None and rule.name == name for rule in self.rules):
            return False
        return not including or any(not rule.name or rule.name == name for rule in including)

    def wants(self, name: str, text: str) -> bool:
        """Tell whether the event goes to the session: included by some rule (or none includes), excluded by none."""
        including = [rule for rule in self.rules if not rule.exclude]
        if including and not any(rule.hits(name, text) for rule in including):
            return False
        return not any(rule.hits(name, text) for rule in self.rules if rule.exclude)

    @property
    def by_name(self) -> bool:
        """True when names alone decide."""
        return all(rule.pattern is None for rule in self.rules)

    def and_(self, rule: Filter) -> EventFilter:
        """Return the rules with one more."""
        return EventFilter((*self.rules, rule))
