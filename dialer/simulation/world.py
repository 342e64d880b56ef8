"""What the world around a simulated node does on request: softphones come and go, somebody calls us.

From another process by the manager action `SimulationWorld`:

| header | meaning |
| --- | --- |
| Do | `register`, `unregister`, `lose` (silence: no BYE, no unregister), `hang-up` (a BYE on its legs), `call` |
| Extension | the softphone; a range such as `1001-1020` is several |
| Trunk, Dialled, Caller | of a `call`: where it comes in, whom it is for, who calls |
| Stay | of a `call`: after how many business seconds the caller leaves; never when not given |
"""

from __future__ import annotations

from typing import Protocol

from dialer.simulation.far_end import LegReply, Reply
from dialer.simulation.protocol import Request
from dialer.types import DialerError


class WorldUnknown(DialerError):
    """The world was asked for something it cannot do; the message says what to change."""

    error_id = "simulated-world"


class Phones(Protocol):
    """The agents' softphones."""

    def __contains__(self, extension: str) -> bool:
        """Tell whether the node knows this extension."""
        ...

    def register(self, extension: str, reply: LegReply | None = None) -> None:
        """Let a softphone come."""
        ...

    def unregister(self, extension: str) -> None:
        """Let it leave in good order."""
        ...

    def lose(self, extension: str) -> None:
        """Let it fall silent."""
        ...


class World(Protocol):
    """Everybody around the node who acts by himself."""

    @property
    def softphones(self) -> Phones:
        """The agents' softphones."""
        ...

    def phone_hangs_up(self, extension: str) -> None:
        """Let a softphone say goodbye on its legs."""
        ...

    def arrive(self, caller: str, dialled: str, trunk: str, reply: Reply | None = None) -> str | None:
        """Let somebody call us; return the channel's id, None when nobody is called like that."""
        ...


def move(world: World, request: Request) -> str:
    """Do what a `SimulationWorld` action asks and say so; raise WorldUnknown for what cannot be."""
    what = request.get("Do")
    if what == "call":
        return _call(world, request)
    acts = {
        "register": world.softphones.register,
        "unregister": world.softphones.unregister,
        "lose": world.softphones.lose,
        "hang-up": world.phone_hangs_up,
    }
    if what not in acts:
        raise WorldUnknown(f"Do {what!r} is none of call, {', '.join(acts)}")
    extensions = _extensions(request.get("Extension"))
    for extension in extensions:
        if extension not in world.softphones:
            raise WorldUnknown(f"Extension {extension!r} is not on this node")
        acts[what](extension)
    return f"{what}: {len(extensions)} softphone(s)"


def _extensions(text: str) -> list[str]:
    first, dash, last = text.partition("-")
    if not dash:
        return [first]
    if not (first.isdecimal() and last.isdecimal()):
        raise WorldUnknown(f"Extension {text!r}: one number, or a range such as 1001-1020")
    return [str(number) for number in range(int(first), int(last) + 1)]


def _call(world: World, request: Request) -> str:
    try:
        stay_s = float(request.get("Stay") or "inf")
    except ValueError as exc:
        raise WorldUnknown(f"Stay {request.get('Stay')!r} is no number of seconds") from exc
    reply = Reply(talk_s=stay_s, patience_s=stay_s)
    channel = world.arrive(request.get("Caller"), request.get("Dialled"), request.get("Trunk"), reply)
    if channel is None:
        raise WorldUnknown(f"Dialled {request.get('Dialled')!r} is unknown on this node: the caller got 404")
    return f"call: {channel}"
