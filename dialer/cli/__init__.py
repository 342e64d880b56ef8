"""The `dialer` command: campaigns, leads, agents, reports, Asterisk's files, and the service itself."""

from __future__ import annotations

from dialer.cli.door import door

__all__ = ["main"]


def main() -> None:
    """Run the command; errors are one clear sentence on stderr and a non-zero exit status."""
    door(prog_name="dialer")
