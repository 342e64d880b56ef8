"""The agents' telephones, as the node sees them: who is registered, reachable, and how each takes a call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dialer.simulation.far_end import LegReply
from dialer.types import InputError

NON_QUALIFIED: Final = "NonQualified"
REACHABLE: Final = "Reachable"
UNREACHABLE: Final = "Unreachable"
REMOVED: Final = "Removed"

_ADDRESS: Final = "sip:{extension}@192.0.2.1:5060"


@dataclass(slots=True)
class _Phone:
    reply: LegReply
    status: str = REMOVED
    alive: bool = False


class Softphones:
    """Extensions the node knows; whoever names another one gets an InputError.

    `on_status` is told of every change of a contact, `on_lost` of a phone gone silent.
    """

    def __init__(self, extensions: Iterable[str], reply: LegReply | None = None) -> None:
        self._phones = {extension: _Phone(reply or LegReply()) for extension in extensions}
        self.on_status: Callable[[str, str], None] = lambda extension, status: None
        self.on_lost: Callable[[str], None] = lambda extension: None

    def __contains__(self, extension: str) -> bool:
        """Tell whether the node has such an endpoint."""
        return extension in self._phones

    def register(self, extension: str, reply: LegReply | None = None) -> None:
        """Let a phone appear, reachable at once; `reply` changes how it takes calls from now on."""
        phone = self._known(extension)
        phone.reply = reply or phone.reply
        phone.alive = True
        if phone.status == REMOVED:
            self._says(extension, NON_QUALIFIED)
        if phone.status != REACHABLE:
            self._says(extension, REACHABLE)

    def unregister(self, extension: str) -> None:
        """Let a phone leave in good order; its legs are another matter."""
        phone = self._known(extension)
        phone.alive = False
        if phone.status != REMOVED:
            self._says(extension, REMOVED)

    def lose(self, extension: str) -> None:
        """Let a phone fall silent: the node finds out when it next asks."""
        self._known(extension).alive = False
        self.on_lost(extension)

    def asked(self, extension: str) -> None:
        """The node asked a phone whether it is still there, and believes the silence."""
        phone = self._phones[extension]
        if not phone.alive and phone.status == REACHABLE:
            self._says(extension, UNREACHABLE)

    def takes_calls(self, extension: str) -> LegReply | None:
        """Return how a phone takes a call, None when the node has no reachable contact for it."""
        phone = self._phones.get(extension)
        return phone.reply if phone is not None and phone.status == REACHABLE else None

    def answers(self, extension: str) -> bool:
        """Tell whether the phone is really there, whatever the node believes."""
        return self._phones[extension].alive

    def contacts(self) -> Mapping[str, str]:
        """Return the status of every contact the node has."""
        return {extension: phone.status for extension, phone in self._phones.items() if phone.status != REMOVED}

    def _known(self, extension: str) -> _Phone:
        phone = self._phones.get(extension)
        if phone is None:
            raise InputError(f"softphone {extension!r} is not configured; known are {', '.join(sorted(self._phones))}")
        return phone

    def _says(self, extension: str, status: str) -> None:
        self._phones[extension].status = status
        self.on_status(extension, status)


def address(extension: str) -> str:
    """Return the URI of a phone's contact."""
    return _ADDRESS.format(extension=extension)
