"""Commands that live in other modules are there when they are called, and cost nothing before."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from dialer.cli.campaign import campaign
from dialer.cli.door import door
from dialer.cli.leads import leads


@pytest.mark.parametrize("group", [leads, campaign], ids=["leads", "campaign"])
def test_every_command_that_is_listed_can_be_called(group: click.Group):
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        assert command.help, name


def test_an_unknown_command_is_told():
    said = CliRunner().invoke(door, ["leads", "wye"])
    assert said.exit_code == 2
    assert "wye" in said.output


def test_the_order_of_an_agent_waits_for_no_rules():
    code = "import sys, dialer.cli.agent; sys.exit('holidays' in sys.modules or 'sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
