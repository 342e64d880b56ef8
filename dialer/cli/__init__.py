"""The `dialer` command: campaigns, leads, agents, reports, Asterisk's files, and the service itself."""

from __future__ import annotations

EXIT_INTERRUPTED = 130
"""Ended by Ctrl-C, as shells count it."""

__all__ = ["main"]


def main() -> None:
    """Run the command; errors are one clear sentence on stderr and a non-zero exit status."""
    try:
        # Here: loading takes a moment in which Ctrl-C is no reason for a traceback.
        from dialer.cli.door import door

        door(prog_name="dialer")
    except KeyboardInterrupt:
        raise SystemExit(EXIT_INTERRUPTED) from None
