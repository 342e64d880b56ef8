"""`dialer leads`: who is called, who is not, and why."""

from __future__ import annotations

import click

from dialer.cli.door import Later

_LATER = {
    "decisions": "explain:decisions",
    "dnc": "suppression:dnc",
    "history": "lists:history",
    "import": "lists:import_",
    "promise": "promise:promise",
    "suppress": "suppression:suppress",
    "suppressed": "suppression:suppressed",
    "unsuppress": "suppression:unsuppress",
    "why": "explain:why",
}


@click.group(cls=Later, later=_LATER)
def leads() -> None:
    """Load who is called; say who is not, and why."""
