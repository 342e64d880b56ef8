"""The `dialer` command: campaigns, leads, agents, reports, Asterisk's files, and the service itself."""

from __future__ import annotations

from dialer.cli.agent import agent
from dialer.cli.asterisk import asterisk
from dialer.cli.campaign import campaign, leads
from dialer.cli.door import Door, door
from dialer.cli.report import report
from dialer.cli.service import engine, menu, run

__all__ = ["Door", "main"]

for _command in (agent, asterisk, campaign, engine, leads, menu, report, run):
    door.add_command(_command)


def main() -> None:
    """Run the command; errors are one clear sentence on stderr and a non-zero exit status."""
    door()
