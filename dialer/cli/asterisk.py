"""`dialer asterisk`: the files of an Asterisk node."""

from __future__ import annotations

from pathlib import Path

import click

from dialer.ami.config import ensure_secrets, render, secrets_file
from dialer.app.home import state_directory
from dialer.cli.door import configuration
from dialer.types import InputError


@click.group()
def asterisk() -> None:
    """Make the files an Asterisk node needs."""


@asterisk.command("config")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.pass_context
def config_(ctx: click.Context, out: Path) -> None:
    """Write every file that the nodes need into OUT/<node>/.

    These are all configuration files and prompts of each node of config.toml: what its /etc/asterisk must hold.

    Secrets are generated once, kept in the state directory (mode 0600) and used again by later renderings.
    """
    config = configuration(ctx)
    state_directory(config)
    secrets = ensure_secrets(config)
    try:
        files = render(config, secrets, out)
    except OSError as exc:
        raise InputError(
            f"--out {out}: {exc.filename or out} cannot be written: {exc.strerror}; name a folder you may write to"
        ) from exc
    click.echo(f"{len(files)} files for {len(config.nodes)} node(s) in {out}; secrets in {secrets_file(config)}")
