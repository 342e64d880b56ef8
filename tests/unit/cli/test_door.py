"""Which configuration a command works with: the named one, a running demo's, else config.toml."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from dialer.cli import door as door_module
from dialer.cli.door import ASK_A_DEMO, COMMANDS, configuration, door
from dialer.demo import place

HOME = '[service]\nhome = "{home}"\n'


@click.command()
@click.pass_context
def where(ctx: click.Context) -> None:
    """Say whose state directory would be used."""
    click.echo(configuration(ctx).home.name)


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an installation of its own, in which every command only says where it would work."""
    for variable in ("DIALER_CONFIG", "DIALER_HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(door_module.Door, "get_command", lambda *_: where)
    (tmp_path / "config.toml").write_text(HOME.format(home="own"))
    (tmp_path / "other.toml").write_text(HOME.format(home="other"))
    return tmp_path


@pytest.fixture
def demo(work: Path) -> Iterator[Path]:
    """A demo that is running below it."""
    with place.taken(work / "var" / "demo"):
        (work / "var" / "demo" / "config.toml").write_text(HOME.format(home="."))
        yield work / "var" / "demo"


def run(*words: str, **environment: str) -> Result:
    return CliRunner(env=environment).invoke(door, words)


@pytest.mark.usefixtures("work")
def test_without_a_name_and_without_a_demo_it_is_config_toml():
    assert run("campaign").stdout == "own\n"


@pytest.mark.parametrize("command", sorted(ASK_A_DEMO))
def test_what_asks_asks_the_running_demo_and_says_so(demo: Path, command: str):
    done = run(command)
    assert (done.stdout, done.stderr) == ("demo\n", f"asking the demo that is running in {demo}\n")


@pytest.mark.usefixtures("demo")
@pytest.mark.parametrize("command", sorted(COMMANDS.keys() - ASK_A_DEMO))
def test_what_serves_or_makes_never_works_in_the_demo(command: str):
    assert run(command).stdout == "own\n"


@pytest.mark.usefixtures("demo")
def test_a_named_configuration_wins():
    assert run("--config", "other.toml", "campaign").stdout == "other\n"
    assert run("campaign", DIALER_CONFIG="other.toml").stdout == "other\n"


@pytest.mark.usefixtures("work")
def test_ctrl_c_ends_a_command_without_a_word(monkeypatch: pytest.MonkeyPatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(door_module.Door, "get_command", interrupted)
    done = run("campaign")
    assert (done.exit_code, done.output) == (130, "")
