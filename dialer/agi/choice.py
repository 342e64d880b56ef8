"""What a debtor chooses after the abandonment message: 1 = call me back, 2 = do not call this number again."""

from __future__ import annotations

import io
from typing import IO, Protocol

from asterisk.agi import AGI, AGIAppError

VARIABLE = "DIALER_CHOICE"
"""The channel variable that the dialplan raises as `Choice` of DialerMenu."""

CHOICES = {"1": "callback", "2": "optout"}
NONE = "none"

PAUSE_MS = 4000
"""How long the debtor may think after the menu was spoken."""

ROUNDS = 2
"""How often the menu is spoken to somebody who presses nothing valid."""


class CallEnded(Exception):
    """Asterisk closed the connection or announced the hang-up."""


class _Lines(Protocol):
    def readline(self) -> str: ...


class CallLines:
    """Asterisk's lines; the end of the call is an exception, because pyst2 reads an empty line as a broken number."""

    def __init__(self, source: _Lines) -> None:
        self._source = source

    def readline(self) -> str:
        """Return the next line; raise CallEnded when there is none."""
        line = self._source.readline()
        if not line or line.startswith(("HANGUP", "511 ")):
            raise CallEnded
        return line


def run_menu(stdin: _Lines, stdout: IO[str]) -> str:
    """Speak the menu on one AGI connection, set DIALER_CHOICE and return it; a hang-up is a normal end."""
    try:
        return _run(AGI(CallLines(stdin), stdout, io.StringIO()))
    except (AGIAppError, BrokenPipeError, CallEnded, ConnectionResetError):
        return NONE


def _run(agi: AGI) -> str:
    # The dialplan names the folder of prompts in the debtor's language, as seen by Asterisk.
    sounds = agi.env.get("agi_arg_1", "")
    if not sounds:
        return NONE
    choice = _ask(agi, sounds)
    agi.set_variable(VARIABLE, choice)
    agi.stream_file(f"{sounds}/{'goodbye' if choice == NONE else choice}")
    return choice


def _ask(agi: AGI, sounds: str) -> str:
    for _ in range(ROUNDS):
        key = agi.stream_file(f"{sounds}/menu", "".join(CHOICES)) or agi.wait_for_digit(PAUSE_MS)
        if key in CHOICES:
            return CHOICES[key]
    return NONE
