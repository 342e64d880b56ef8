"""`dialer leads import` and `dialer leads history`: lists and what was done before, brought in."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from campaigns.importer import ImportReport, import_list
from campaigns.lists.mapping import Mapping, load_mapping
from campaigns.prior import HistoryReport, declare_none, load_history
from dialer.app.store import open_store
from dialer.cli.door import configuration, json_option, show, wait_for
from dialer.cli.engine_news import tell_engine
from dialer.config import Config
from dialer.types import InputError

mapping_option = click.option(
    "--mapping",
    type=click.Path(path_type=Path),
    help="A TOML file that says which column is what, where the names do not (docs/lists.md shows one).",
)
_NO_TERMINAL_WIDTH = 160


@click.command("import")
@click.argument("name", metavar="CAMPAIGN")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Write nothing; show columns, counts and the first rejected rows.")
@click.option("--again", is_flag=True, help="Read a file once more that was imported before.")
@mapping_option
@json_option
@click.pass_context
def import_(
    ctx: click.Context, name: str, file: Path, *, dry_run: bool, again: bool, mapping: Path | None, as_json: bool
) -> None:
    """Import a CSV or XLSX FILE of debtors into CAMPAIGN.

    Rejected rows go to FILE.rejects.csv with their reasons; the others are imported. Nobody is called before the
    whole file is in. Killed half-way, the same command goes on where it was.
    """
    config = configuration(ctx)
    said = load_mapping(mapping)
    with bar(shown=not as_json) as progress:
        report = wait_for(_import(config, name, file, said, progress, dry_run=dry_run, again=again))
    answer = _answer(name, report)
    if as_json:
        show(answer, as_json=True)
    else:
        _tell(name, report)
    if not report.imported:
        raise InputError(f"{file}: no row could be imported; see {report.rejects_file or 'the reasons above'}")


async def _import(
    config: Config,
    name: str,
    file: Path,
    said: Mapping,
    progress: Callable[[int, int], None],
    *,
    dry_run: bool,
    again: bool,
) -> ImportReport:
    now = config.clock().now()
    async with open_store(config) as store:
        report = await import_list(
            store, file, name, now, mapping=said, dry_run=dry_run, again=again, progress=progress
        )
    if not dry_run:
        await tell_engine(config)
    return report


@contextmanager
def bar(*, shown: bool) -> Iterator[Callable[[int, int], None]]:
    """Show how far a file is, on a terminal only; yields what to call with rows done and rows in all."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not (shown and sys.stderr.isatty())
    ) as p:
        task = p.add_task("rows", total=None)
        yield lambda done, total: p.update(task, completed=done, total=total)


def _answer(name: str, report: ImportReport) -> dict[str, Any]:
    told = asdict(report)
    told["columns"] = {header: field for header, field in report.columns}
    told["first_rejects"] = [each._asdict() for each in report.first_rejects]
    told["rejects_file"] = str(report.rejects_file) if report.rejects_file else None
    return {"campaign": name, **told}


def _tell(name: str, report: ImportReport) -> None:
    console = Console(width=None if sys.stdout.isatty() else _NO_TERMINAL_WIDTH)
    console.print(_columns(report))
    console.print(_outcome(name, report))
    if report.dry_run and report.first_rejects:
        console.print(_rejects(report))
    click.echo(_sentence(report))


def _columns(report: ImportReport) -> Table:
    table = Table(title=f"columns ({report.form})")
    table.add_column("in the file")
    table.add_column("read as")
    for header, field in report.columns:
        mark = " (tells people apart)" if header == report.identity else ""
        table.add_row(escape(header), escape(field) + mark)
    for header in report.ignored_columns:
        table.add_row(escape(header), "not read")
    return table


def _outcome(name: str, report: ImportReport) -> Table:
    table = Table(title=f"{'dry run of an ' if report.dry_run else ''}import into {name}")
    table.add_column("what")
    table.add_column("how many", justify="right")
    rows: list[tuple[str, object]] = [("rows", report.rows), ("imported", report.imported)]
    rows += [("rejected", report.rejected), ("remarks on imported rows", report.remarks)]
    rows += [(f"new {table_}", count) for table_, count in report.new.items()]
    rows += [(f"changed {table_}", count) for table_, count in report.changed.items()]
    rows += [(f"people in segment {segment}", count) for segment, count in report.segments.items()]
    rows += [(f"phones repaired, {repair}", count) for repair, count in report.repairs.items()]
    rows += [("decimal mark", f"'{report.decimal}'" if report.decimal else "as each amount shows")]
    for what, value in rows:
        table.add_row(escape(what), escape(str(value)))
    return table


def _rejects(report: ImportReport) -> Table:
    table = Table(title="first lines of the report")
    for name in ("line", "column", "value", "reason"):
        table.add_column(name)
    for each in report.first_rejects:
        table.add_row(str(each.line), escape(each.column), escape(each.value), escape(each.reason))
    return table


def _sentence(report: ImportReport) -> str:
    if report.repeated_from is not None:
        return (
            f"this file was imported before ({report.repeated_from:%Y-%m-%d %H:%M} UTC); nothing changed "
            "(--again reads it once more)"
        )
    if report.dry_run:
        return "nothing was written; run the same without --dry-run"
    resumed = f", going on after row {report.resumed_at}" if report.resumed_at else ""
    news = "" if report.new or report.changed else "; nothing changed: the books said all of it already"
    rejects = f"; see {report.rejects_file}" if report.rejects_file else ""
    return f"{report.imported} of {report.rows} rows imported{resumed}{news}{rejects}"


@click.command(short_help="Load the contacts made before this dialer.")
@click.argument("name", metavar="CAMPAIGN")
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--none", "none", is_flag=True, help="Declare that nobody was called before; needs --by.")
@click.option("--by", default="", metavar="NAME", help="Who says so.")
@click.option("--despite-rejects", is_flag=True, help="Take the history for complete although rows were rejected.")
@mapping_option
@json_option
@click.pass_context
def history(
    ctx: click.Context,
    name: str,
    file: Path | None,
    *,
    none: bool,
    by: str,
    despite_rejects: bool,
    mapping: Path | None,
    as_json: bool,
) -> None:
    """Load the contacts made before this dialer from a CSV or XLSX FILE, so that every limit counts them.

    The campaign does not start before that, or before somebody declares with --none --by NAME that there were none.
    """
    config = configuration(ctx)
    if none == (file is not None):
        raise InputError("name a file of earlier contacts, or declare that there are none: --none --by NAME")
    if file is None:
        if not by.strip():
            raise InputError("--none needs --by NAME: somebody answers for it")
        wait_for(_declare_none(config, name, by.strip()))
        answer = {"campaign": name, "none": True, "by": by.strip()}
        show(answer, as_json=as_json, sentence=f"campaign {name}: no contacts before, says {by.strip()}")
        return
    said = load_mapping(mapping)
    with bar(shown=not as_json) as progress:
        report = wait_for(
            _history(
                config,
                name,
                file,
                mapping=said,
                by=by.strip() or file.name,
                progress=progress,
                despite=despite_rejects,
            )
        )
    told = asdict(report) | {"campaign": name, "columns": dict(report.columns)}
    told["rejects_file"] = str(report.rejects_file) if report.rejects_file else None
    show(told, as_json=as_json, sentence=_history_sentence(name, report))
    if not report.declared:
        raise InputError(
            f"{file}: {report.rejected} rows could not be read, so the history is not complete; correct them "
            f"(see {report.rejects_file}) and load the file again, or add --despite-rejects"
        )


async def _declare_none(config: Config, name: str, by: str) -> None:
    async with open_store(config) as store:
        await declare_none(store, name, by, config.clock().now())


async def _history(
    config: Config,
    name: str,
    file: Path,
    *,
    mapping: Mapping,
    by: str,
    progress: Callable[[int, int], None],
    despite: bool,
) -> HistoryReport:
    async with open_store(config) as store:
        now = config.clock().now()
        return await load_history(
            store, file, name, now, by=by, mapping=mapping, despite_rejects=despite, progress=progress
        )


def _history_sentence(name: str, report: HistoryReport) -> str:
    read = ", ".join(f"{header} -> {field}" for header, field in report.columns)
    left = f"; not read: {', '.join(report.ignored_columns)}" if report.ignored_columns else ""
    return (
        f"columns: {read}{left}\ncampaign {name}: {report.stored} of {report.rows} contacts stored as {report.events} "
        f"events; {report.rejected} rejected, {report.strangers} of people not in the books, {report.too_old} older "
        "than any rule looks"
    )
