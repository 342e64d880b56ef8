"""extensions.conf as steps: the very text that Asterisk would read, compiled once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from dialer.simulation.expressions import DialplanError, Text, compile_text

_SETTINGS: Final = "general"
_STEP = re.compile(r"(?P<priority>\d+|n)(?:\((?P<label>[^)]+)\))?,(?P<call>.*)", re.DOTALL)
_CALL = re.compile(r"(?P<name>[A-Za-z_]\w*)\s*(?:\((?P<data>.*)\))?", re.DOTALL)
_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]", ".": ".+", "!": ".*"}


@dataclass(frozen=True, slots=True)
class Step:
    """One priority: `application` as written, `key` in lower case, `data` to be filled in on the channel."""

    application: str
    key: str
    data: Text


@dataclass(slots=True)
class Extension:
    """The steps of one extension by priority, and the priorities of its labels."""

    steps: dict[int, Step] = field(default_factory=dict)
    labels: dict[str, int] = field(default_factory=dict)


class Context:
    """The extensions of one context; a pattern matches where no plain name does."""

    def __init__(self) -> None:
        self._plain: dict[str, Extension] = {}
        self._patterns: list[tuple[re.Pattern[str], Extension]] = []

    def add(self, name: str) -> Extension:
        """Return the extension of this name or pattern, made when it is new."""
        if name not in self._plain:
            self._plain[name] = Extension()
            if name.startswith("_"):
                self._patterns.append((_pattern(name), self._plain[name]))
        return self._plain[name]

    def find(self, exten: str) -> Extension | None:
        """Return what a dialled extension meets."""
        if (plain := self._plain.get(exten)) is not None and not exten.startswith("_"):
            return plain
        return next((extension for pattern, extension in self._patterns if pattern.fullmatch(exten)), None)


class Dialplan:
    """All contexts; every question about a place that does not exist is answered with None."""

    def __init__(self, contexts: Mapping[str, Context]) -> None:
        self._contexts = contexts

    def extension(self, context: str, exten: str) -> Extension | None:
        """Return the steps a channel at this place walks through."""
        found = self._contexts.get(context)
        return found.find(exten) if found is not None else None

    def priority(self, context: str, exten: str, where: str) -> int | None:
        """Return the priority of a number or label, None when there is no such step."""
        extension = self.extension(context, exten)
        if extension is None:
            return None
        priority = int(where) if where.isdigit() else extension.labels.get(where)
        return priority if priority in extension.steps else None


def parse_dialplan(text: str) -> Dialplan:
    """Read extensions.conf; raise DialplanError naming a line that is not understood."""
    contexts: dict[str, Context] = {}
    reader = _Reader(contexts)
    for number, line in _lines(text):
        try:
            reader.read(line)
        except DialplanError as exc:
            raise DialplanError(f"dialplan line {number}: {exc}") from exc
    return Dialplan(contexts)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"(?<!\\);.*", "", raw).replace("\\;", ";").strip()
        if line:
            yield number, line


class _Reader:
    """Where in the file we are."""

    def __init__(self, contexts: dict[str, Context]) -> None:
        self._contexts = contexts
        self._context: Context | None = None
        self._extension: Extension | None = None
        self._priority = 0

    def read(self, line: str) -> None:
        if line.startswith("["):
            self._section(line.strip("[]"))
            return
        key, arrow, value = line.partition("=")
        value = value.removeprefix(">").strip()
        if self._context is None:
            return  # a setting of [general]
        if not arrow:
            raise DialplanError(f"{line!r} is no assignment")
        match key.strip():
            case "exten":
                name, _, rest = value.partition(",")
                self._extension, self._priority = self._context.add(name.strip()), 0
                self._step(self._extension, rest.strip())
            case "same" if self._extension is not None:
                self._step(self._extension, value)
            case other:
                raise DialplanError(f"{other!r} is not understood here")

    def _section(self, name: str) -> None:
        self._extension = None
        self._context = None if name == _SETTINGS else self._contexts.setdefault(name, Context())

    def _step(self, extension: Extension, text: str) -> None:
        step = _STEP.fullmatch(text)
        call = _CALL.fullmatch(step["call"].strip()) if step else None
        if step is None or call is None:
            raise DialplanError(f"{text!r} is no step")
        self._priority = self._priority + 1 if step["priority"] == "n" else int(step["priority"])
        name = call["name"]
        extension.steps[self._priority] = Step(name, name.lower(), compile_text(call["data"] or ""))
        if step["label"]:
            extension.labels[step["label"]] = self._priority


def _pattern(name: str) -> re.Pattern[str]:
    parts = re.findall(r"\[[^\]]*\]|.", name[1:])
    return re.compile("".join(_CLASSES.get(part, part if len(part) > 1 else re.escape(part)) for part in parts))
