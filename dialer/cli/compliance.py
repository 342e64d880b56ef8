"""`dialer compliance`: the rules in force, whether a file of rules is right, and who answers for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from campaigns.approvals import Approvals, Standing
from campaigns.compliance import Library, Profile
from dialer.app.profiles import house_text, open_library
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, show_rows, wait_for
from dialer.config import Config
from dialer.types import InputError


@click.group(short_help="Show, check and approve the rules of calling.")
def compliance() -> None:
    """Show, check and approve the rules under which people are called."""


@compliance.command("list", short_help="List every profile, and who has approved it.")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List every profile, and whether somebody has approved it as it is."""
    config = configuration(ctx)
    library = open_library(config)
    standings = wait_for(_standings(config, library))
    rows = [_row(profile, standings[profile.id]) for profile in library.profiles.values()]
    if as_json:
        show(rows, as_json=True)
    else:
        show_rows(rows, ("profile", "title", "version", "hash", "approval", "by", "at", "file"), "profiles")


@compliance.command("show", short_help="Print a profile as its file has it.")
@click.argument("profile")
@click.pass_context
def show_(ctx: click.Context, profile: str) -> None:
    """Print a profile as its file has it; put it into compliance.directory and change it to make it your own."""
    config = configuration(ctx)
    library = open_library(config)
    found = library.profile(profile)
    standing = wait_for(_standings(config, library))[profile]
    approval = f"{standing.state} {standing.by} {standing.at or ''}".strip()
    click.echo(f"# {found.id} from {found.source}\n# hash {found.hash}\n# approval: {approval}\n{found.text}", nl=False)


@compliance.command(short_help="Check a file of profiles together with all others.")
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, file: Path | None) -> None:
    """Check a file of profiles together with all others; without FILE, those of the configuration."""
    library = open_library(configuration(ctx))
    if file is not None:
        library = library.with_house({str(file): house_text(file)})
    shipped = Library.shipped().profiles
    own = sorted(name for name, profile in library.profiles.items() if profile is not shipped.get(name))
    click.echo(f"{len(library.profiles)} profiles, nothing wrong; of the house: {', '.join(own) or 'none'}")


@compliance.command()
@click.argument("profiles", nargs=-1, required=True)
@click.option("--by", required=True, help="Who answers for them: a person's name.")
@click.pass_context
def approve(ctx: click.Context, profiles: tuple[str, ...], by: str) -> None:
    """Write down that somebody answers for PROFILES as they are now.

    A profile that changes needs a new approval. `base` stands under every other, so it needs one as well.
    """
    config = configuration(ctx)
    library = open_library(config)
    found = [library.profile(name) for name in profiles]
    if any(profile.id == "demo" for profile in found):
        raise InputError("demo needs no approval: it works on the simulated Asterisk only")
    wait_for(_approve(config, found, by))
    for profile in found:
        click.echo(f"{profile.id} {profile.version} ({profile.hash[:12]}) approved by {by}")


async def _standings(config: Config, library: Library) -> dict[str, Standing]:
    async with open_store(config) as store, store.snapshot() as session:
        return dict(await Approvals(session).standings(library.profiles.values()))


async def _approve(config: Config, profiles: list[Profile], by: str) -> None:
    async with open_store(config) as store, store.transaction() as session:
        for profile in profiles:
            await Approvals(session).approve(profile, by, config.clock().now())


def _row(profile: Profile, standing: Standing) -> dict[str, Any]:
    return {
        "profile": profile.id,
        "title": profile.rules.about.title if profile.rules.about else "",
        "version": profile.version,
        "hash": profile.hash[:12],
        "approval": str(standing.state),
        "by": standing.by,
        "at": standing.at and standing.at.isoformat(timespec="seconds"),
        "file": profile.source,
    }
