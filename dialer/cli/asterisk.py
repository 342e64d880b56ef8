"""`dialer asterisk`: the files of an Asterisk node, and how the nodes are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dialer.ami.admin import AdminPlane
from dialer.ami.config import ensure_secrets, load_secrets, render, secrets_file
from dialer.ami.snapshot import supported_version
from dialer.app.home import state_directory
from dialer.cli.door import EXIT_FAILED, configuration, json_option, show, show_rows, wait_for
from dialer.cli.twin import simulate
from dialer.config import Config
from dialer.types import DialerError, InputError


@click.group()
def asterisk() -> None:
    """Make the nodes' files; ask, reload, simulate nodes."""


asterisk.add_command(simulate)


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


ADMIN_USER = "dialer-adm"
MODULES = ("res_pjsip", "app_mixmonitor", "app_amd", "cel_custom", "res_agi")
COLUMNS = ("node", "version", "supported", "trunks", "softphones", "missing_modules", "error")


@asterisk.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show each node's version, trunks, softphones.

    Also names modules that are missing. Ends with status 1 when a node does not answer or is too old.
    """
    config = configuration(ctx)
    rows = wait_for(_ask_all(config))
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, COLUMNS, "nodes")
    if any(row["error"] or not row["supported"] for row in rows):
        raise SystemExit(EXIT_FAILED)


@asterisk.command("reload")
@click.argument("module", default="res_pjsip")
@click.pass_context
def reload_(ctx: click.Context, module: str) -> None:
    """Let every node read MODULE's files again.

    The default, res_pjsip, is what a changed trunk or softphone needs; pbx_config reads the dialplan.
    """
    config = configuration(ctx)
    for plane in _planes(config).values():
        wait_for(plane.reload(module))
    click.echo(f"{module} reloaded on {', '.join(node.name for node in config.nodes)}")


def _planes(config: Config) -> dict[str, AdminPlane]:
    secrets = load_secrets(config)
    return {node.name: AdminPlane(node, ADMIN_USER, secrets.node(node.name).admin) for node in config.nodes}


async def _ask_all(config: Config) -> list[dict[str, Any]]:
    return [await _ask(config, node, plane) for node, plane in _planes(config).items()]


async def _ask(config: Config, node: str, plane: AdminPlane) -> dict[str, Any]:
    """Ask one node everything; what it does not answer becomes the row's error."""
    row: dict[str, Any] = {"node": node, **dict.fromkeys(COLUMNS[1:])}
    try:
        version = await plane.version()
        endpoints, contacts = await plane.endpoints(), await plane.contacts()
        loaded = await plane.modules(MODULES)
    except DialerError as exc:
        return {**row, "supported": False, "error": str(exc)}
    trunks = {trunk.name: endpoints.get(trunk.name, "unknown") for trunk in config.trunks if trunk.node == node}
    first, count = config.agents.first_extension, config.agents.extensions
    reachable = sum(contacts.get(str(number)) == "Reachable" for number in range(first, first + count))
    return {
        **row,
        "version": version,
        "supported": supported_version(version),
        "trunks": ", ".join(f"{name}: {state}" for name, state in trunks.items()),
        "softphones": f"{reachable} of {count} registered",
        "missing_modules": ", ".join(name for name, there in loaded.items() if not there),
    }
