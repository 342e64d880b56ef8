"""Asterisk's configuration text: ours as rendered, to be compared with what a node has. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from dialer.ami.admin import Step

Sections = Mapping[str, tuple[tuple[str, str], ...]]
"""Keys and values of each section, in order."""

_COMMENT = re.compile(r"(?<!\\);.*")
_HEADER = re.compile(r"\[([^]]+)](?:\(([^)]*)\))?")
_TEMPLATE = "!"


def sections(text: str) -> Sections:
    """Return what Asterisk reads from a file: comments gone, `=>` the same as `=`, templates filled in and left out."""
    found: dict[str, list[tuple[str, str]]] = {}
    templates: set[str] = set()
    lines: list[tuple[str, str]] = []
    for line in (_COMMENT.sub("", raw).strip() for raw in text.splitlines()):
        if header := _HEADER.fullmatch(line):
            name, parents = header[1], (header[2] or "").split(",")
            lines = found.setdefault(name, [])
            lines += [pair for parent in parents for pair in found.get(parent, ())]
            templates |= {name} if _TEMPLATE in parents else set()
        elif "=" in line:
            key, _, value = line.partition("=")
            lines.append((key.strip(), value.removeprefix(">").strip().replace("\\;", ";")))
    return {name: tuple(pairs) for name, pairs in found.items() if name not in templates}


def steps(text: str) -> tuple[Step, ...]:
    """Return the dialplan of an extensions.conf as it runs once loaded: priorities counted, labels dropped."""
    found = []
    for context, lines in sections(text).items():
        extension, priority = "", 0
        for key, value in lines:
            if key not in ("exten", "same"):
                continue
            if key == "exten":
                extension, _, value = value.partition(",")
            number, _, call = value.partition(",")
            priority = priority + 1 if number.startswith("n") else int(number.partition("(")[0])
            found.append(_step(context, extension.strip(), priority, call))
    return tuple(found)


def _step(context: str, extension: str, priority: int, call: str) -> Step:
    application, _, rest = call.strip().partition("(")
    return Step(context, extension, priority, application, rest[:-1] if rest.endswith(")") else rest)


def modules(text: str) -> tuple[str, ...]:
    """Return the modules that a rendered modules.conf loads, without `.so`."""
    return tuple(value.removesuffix(".so") for key, value in sections(text)["modules"] if key == "load")
