"""The few console commands that the dialer sends by the action Command."""

from __future__ import annotations

from typing import Final

from dialer.simulation.desk import Caller, Command, Desk
from dialer.simulation.dialplan_list import Priority, priorities
from dialer.simulation.installation import VERSION
from dialer.simulation.protocol import Request
from dialer.simulation.replies import answer

Output = tuple[bool, list[str]]
"""Whether the command succeeded, and the lines it printed."""


def console(desk: Desk, _: Caller, request: Request) -> bytes:
    """Run one command of Asterisk's console and return what it printed."""
    good, printed = run(desk, request.get("Command"))
    told = (("Message", "Command output follows"), *(("Output", line) for line in printed))
    return answer("Success" if good else "Error", request.action_id, told)


def run(desk: Desk, text: str) -> Output:
    """Return what a console command prints."""
    match text.split():
        case ["core", "show", "version"]:
            return True, [f"Asterisk {VERSION}: a simulated node, not a telephone system"]
        case ["core", "show", "uptime", *_]:
            return True, _uptime(desk, seconds=text.endswith("seconds"))
        case ["core", "show", "channels", "count"]:
            return True, _counts(desk)
        case ["module", "show"]:
            return True, _modules(desk, "")
        case ["module", "show", "like", word]:
            return True, _modules(desk, word)
        case ["dialplan", "show", context]:
            return _dialplan(desk, context)
        case ["manager", "show", "connected"]:
            logins = desk.logins()
            return True, [*(f"  {name}" for name in logins), f"{len(logins)} users connected."]
        case _:
            return False, [f"No such command '{text}' (type 'core show help {text}' for other possible commands)"]


def _uptime(desk: Desk, *, seconds: bool) -> list[str]:
    up = int((desk.clock.now() - desk.node.started_at).total_seconds())
    unit = "" if seconds else " seconds"
    return [f"System uptime: {up}{unit}", f"Last reload: {up}{unit}"]


def _counts(desk: Desk) -> list[str]:
    channels = desk.node.channels()
    calls = len({view.linkedid for view in channels})
    return [
        f"{len(channels)} active channel{'s' * (len(channels) != 1)}",
        f"{calls} active call{'s' * (calls != 1)}",
        f"{desk.processed()} call{'s' * (desk.processed() != 1)} processed",
    ]


def _modules(desk: Desk, word: str) -> list[str]:
    found = [name for name in sorted(desk.installation.modules) if word in name]
    head = f"{'Module':<30} {'Description':<40} {'Use Count':<10} {'Status':<11} Support Level"
    rows = [f"{name:<30} {'Simulated':<40} {'0':<10} {'Running':<11} {'core':>13}" for name in found]
    return [head, *rows, f"{len(found)} modules loaded"]


def _dialplan(desk: Desk, context: str) -> Output:
    steps = [step for step in priorities(desk.installation.sections("extensions.conf")) if step.context == context]
    if not steps:
        return False, [f"There is no existence of '{context}' context", f"Command 'dialplan show {context}' failed."]
    lines = [f"[ Context '{context}' created by 'pbx_config' ]", *(_step(step) for step in steps)]
    extensions = len({step.extension for step in steps})
    plural = "s" if extensions != 1 else ""
    return True, [*lines, f"-= {extensions} extension{plural} ({len(steps)} priorities) in 1 context. =-"]


def _step(step: Priority) -> str:
    label = f"[{step.label}]" if step.label else ""
    left = f"'{step.extension}' =>" if step.priority == 1 else label
    return f"  {left:<18}{step.priority}. {step.application}({step.data})"


CONSOLE: Final = (Command("Command", "Execute Asterisk CLI Command.", ("command",), console),)
