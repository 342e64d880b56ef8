"""The dialplan as a list: what ShowDialPlan and the console's `dialplan show` tell of extensions.conf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dialer.simulation.desk import Caller, Command, Desk
from dialer.simulation.node import Headers, Refused
from dialer.simulation.protocol import Request
from dialer.simulation.replies import listing

_STEP = re.compile(r"(?P<priority>\d+|n)(?:\((?P<label>[^)]+)\))?,(?P<name>\w+)(?:\((?P<data>.*)\))?")


@dataclass(frozen=True, slots=True)
class Priority:
    """One step of the dialplan."""

    context: str
    extension: str
    label: str
    priority: int
    application: str
    data: str


def priorities(sections: list[tuple[str, list[tuple[str, str]]]]) -> Iterator[Priority]:
    """Yield every step of extensions.conf in order."""
    for context, options in sections:
        extension, priority = "", 0
        for key, value in options:
            text = value
            if key == "exten":
                extension, _, text = value.partition(",")
                priority = 0
            step = _STEP.fullmatch(text) if key in {"exten", "same"} else None
            if step is not None:
                priority = priority + 1 if step["priority"] == "n" else int(step["priority"])
                yield Priority(context, extension, step["label"] or "", priority, step["name"], step["data"] or "")


def show_dialplan(desk: Desk, _: Caller, request: Request) -> bytes:
    """List the dialplan, one context of it, or one extension."""
    context, extension = request.get("Context"), request.get("Extension")
    steps = [
        step
        for step in priorities(desk.installation.sections("extensions.conf"))
        if context in ("", step.context) and extension in ("", step.extension)
    ]
    if not steps:
        raise Refused(f"Did not find context {context}" if context else "Did not find any extension")
    extensions, contexts = {(step.context, step.extension) for step in steps}, {step.context for step in steps}
    totals = (
        ("ListExtensions", str(len(extensions))),
        ("ListPriorities", str(len(steps))),
        ("ListContexts", str(len(contexts))),
    )
    rows = [_row(step) for step in steps]
    message = "DialPlan list will follow"
    return listing(request.action_id, message, "ListDialplan", rows, "ShowDialPlanComplete", totals=totals)


def _row(step: Priority) -> Headers:
    label = (("ExtensionLabel", step.label),) if step.label else ()
    return (
        ("Context", step.context), ("Extension", step.extension), *label, ("Priority", str(step.priority)),
        ("Application", step.application), ("AppData", step.data), ("Registrar", "pbx_config"),
    )  # fmt: skip


DIALPLAN_LISTS: Final = (
    Command("ShowDialPlan", "Show dialplan contexts and extensions", ("config", "reporting"), show_dialplan),
)
