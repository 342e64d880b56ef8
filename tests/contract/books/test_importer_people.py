"""Who is who in lists: one person once, whatever the file; what newer lists change, and what they never do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import openpyxl
import pytest
from sqlalchemy import func, select, text

from campaigns.importer import ImportReport, import_list
from campaigns.imports import staging
from campaigns.imports.known import Known, looked_up
from campaigns.lists.mapping import Formats, Mapping
from campaigns.models import Account, Debtor, Lead, LeadState, Phone
from dialer.store import Store
from dialer.types import Outcome
from tests.books import NOW, Desk, OnSqlite

HEADER = "cédula;nombre;celular;segmento;acreedor;nro crédito;saldo;mora"

LATE_S = 0.05


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def reports(folder: Path) -> list[Path]:
    return list(folder.glob("*.rejects.csv"))


class ImporterPeopleContract:
    @pytest.fixture
    async def desk(self, store: Store) -> Desk:
        return await Desk.opened(store)

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path

    async def imported(self, desk: Desk, path: Path, *rows: str, header: str = HEADER, **said: Any) -> ImportReport:
        write(path, header, *rows)
        return await import_list(desk.store, path, "spring", NOW, **said)

    async def people(self, desk: Desk) -> dict[str, list[str]]:
        query = select(Debtor.external_id, Phone.e164).join(Phone, Phone.debtor_id == Debtor.id)
        query = query.where(Phone.retired_at.is_(None)).order_by(Debtor.id, Phone.rank)
        found: dict[str, list[str]] = {}
        async with desk.store.snapshot() as session:
            for code, e164 in await session.execute(query):
                found.setdefault(code, []).append(e164)
        return found

    async def test_one_document_is_one_person_however_it_is_written(self, desk: Desk, folder: Path) -> None:
        await self.imported(desk, folder / "a.csv", "12.345.678;Ana;3001234567;early;Banco;1;10;5")
        await self.imported(desk, folder / "b.csv", "12345678;ANA;3011234567;early;Tienda;7;20;5")
        assert await self.people(desk) == {"12345678": ["+573001234567", "+573011234567"]}

    async def test_one_phone_is_one_person_where_no_document_says_otherwise(self, desk: Desk, folder: Path) -> None:
        header = "código cliente;nombre;celular;segmento"
        await self.imported(desk, folder / "a.csv", "A1;Ana Pérez;3001234567;early", header=header)
        report = await self.imported(
            desk, folder / "b.csv", "B7;PEREZ ANA;3001234567 / 3011234567;early", header=header
        )
        assert await self.people(desk) == {"A1": ["+573001234567", "+573011234567"]}
        assert [each.reason for each in report.first_rejects] == ["a phone of debtor A1: taken for the same person"]

    @pytest.mark.parametrize(
        ("second", "doubt"),
        [
            ("7654321;Ana;3001234567;early;;;;", "document 1234567"),
            (";Zoe;3001234567;early;;;;", "another name"),
            (";Juan Perez;3001234567;early;;;;", "another name"),
        ],
    )
    async def test_two_people_who_share_a_phone_keep_it(
        self, desk: Desk, folder: Path, second: str, doubt: str
    ) -> None:
        report = await self.imported(
            desk,
            folder / "a.csv",
            "A1;1234567;Ana Pérez;3001234567;early;;;;",
            f"A2;{second}",
            header=f"código cliente;{HEADER}",
        )
        assert await self.people(desk) == {"A1": ["+573001234567"], "A2": ["+573001234567"]}
        assert [doubt in each.reason for each in report.first_rejects] == [True]

    async def test_a_person_with_two_debts_is_one_lead_of_the_best_segment(self, desk: Desk, folder: Path) -> None:
        report = await self.imported(
            desk,
            folder / "a.csv",
            "1234567;Ana;3001234567;late;Banco;1;10;5",
            "1234567;Ana;3001234567;early;Banco;2;20;5",
        )
        (lead,) = await desk.due()
        async with desk.store.snapshot() as session:
            known = (await session.scalars(select(Lead))).one()
            accounts = list(await session.scalars(select(Account.id).order_by(Account.id)))
        assert (lead.segment, known.account_ids, report.segments) == ("early", accounts, {"early": 1})
        assert (report.imported, report.new) == (2, {"debtors": 1, "phones": 1, "accounts": 2, "leads": 1})

    async def test_a_newer_list_changes_balances_and_reopens_nobody(self, desk: Desk, folder: Path) -> None:
        await self.imported(desk, folder / "a.csv", "1234567;Ana;3001234567;early;Banco;1;10;5")
        await desk.call((await desk.due())[0], Outcome.ANSWERED)
        report = await self.imported(desk, folder / "b.csv", "1234567;Ana;3001234567;early;Banco;1;9,50;6")
        lead = await desk.lead("1234567")
        async with desk.store.snapshot() as session:
            account = (await session.scalars(select(Account))).one()
        assert (report.new, report.changed) == ({}, {"accounts": 1})
        assert (account.balance, account.days_overdue) == (Decimal("9.50"), 6)
        assert (lead.state, lead.tries) == (LeadState.DONE, 1)

    async def test_who_is_not_on_a_newer_list_stays(self, desk: Desk, folder: Path) -> None:
        await self.imported(desk, folder / "a.csv", "1234567;Ana;3001234567;early;;;;")
        await self.imported(desk, folder / "b.csv", "7654321;Bea;3011234567;early;;;;")
        assert {lead.debtor for lead in await desk.due()} == {"1234567", "7654321"}

    async def test_a_flag_of_the_list_stops_the_person(self, desk: Desk, folder: Path) -> None:
        await self.imported(
            desk, folder / "a.csv", "1234567;3001234567;early;sí;no", header="cédula;celular;segmento;disputa;fallecido"
        )
        async with desk.store.snapshot() as session:
            found = (await session.execute(text("SELECT key, kind, source FROM suppressions"))).all()
            debtor = await session.scalar(select(Debtor.id))
        assert [tuple(row) for row in found] == [(f"person:{debtor}", "dispute", "a.csv")]

    async def test_an_older_file_imported_again_on_demand_says_what_it_says(self, desk: Desk, folder: Path) -> None:
        row = "1234567;Ana;3001234567;early;Banco;1;10;5"
        await self.imported(desk, folder / "a.csv", row)
        await self.imported(desk, folder / "b.csv", "1234567;Ana;3001234567;early;Banco;1;9;5")
        assert (await self.imported(desk, folder / "a.csv", row)).repeated_from == NOW
        assert (await self.imported(desk, folder / "a.csv", row, again=True)).changed == {"accounts": 1}

    async def test_a_dry_run_writes_nothing_and_says_what_would_happen(self, desk: Desk, folder: Path) -> None:
        rows = ("1234567;Ana;3001234567;early;Banco;1;10;5", "2234567;Bea;12;early;;;;")
        report = await self.imported(desk, folder / "a.csv", *rows, dry_run=True)
        assert (report.imported, report.rejected, report.segments) == (1, 1, {"early": 1})
        assert report.new == {"debtors": 1, "phones": 1, "accounts": 1, "leads": 1}
        assert reports(folder) == []
        async with desk.store.snapshot() as session:
            assert await session.scalar(text("SELECT count(*) FROM debtors")) == 0
            assert await session.scalar(text("SELECT count(*) FROM imports")) == 0

    async def test_a_workbook_is_a_list_too(self, desk: Desk, folder: Path) -> None:
        book = openpyxl.Workbook()
        sheet = book.active
        sheet.append(["Cédula", "Nombre", "Celular", "Segmento", "Saldo"])
        sheet.append([1234567, "Ana", 3001234567, "early", 1234.5])
        book.save(folder / "a.xlsx")
        await import_list(desk.store, folder / "a.xlsx", "spring", NOW)
        async with desk.store.snapshot() as session:
            assert await session.scalar(select(Account.balance)) == Decimal("1234.50")
        assert await self.people(desk) == {"1234567": ["+573001234567"]}

    async def test_the_mapping_says_what_the_file_does_not(self, desk: Desk, folder: Path) -> None:
        header = "cédula;celular;segmento;Pendiente"
        mapping = Mapping(columns={"balance": ("Pendiente",)}, formats=Formats(decimal=","))
        await self.imported(desk, folder / "a.csv", "1234567;3001234567;early;1.234", header=header, mapping=mapping)
        async with desk.store.snapshot() as session:
            assert await session.scalar(select(Account.balance)) == Decimal("1234.00")


class ImporterChunksContract:
    """Where a chunk of the list ends is nobody's business."""

    NAMES = "código;cédula;nombre;celular;segmento;acreedor;nro crédito;saldo;mora"
    ROWS = (
        "A1;10.203.041;Ana Pérez;3001234501;early;Banco;1;10;5",
        "A2;10203042;Bea Gil;3001234502;early;Banco;2;20;5",
        "A1;;Ana Pérez;3001234503;late;Tienda;3;30;70",
        "A7;;Ana Pérez;3001234503;early;Banco;9;90;5",
        "A3;10203043;Cid Roa;3001234502;early;Banco;4;40;5",
        "A4;10203044;Dora Paz;12;early;Banco;5;50;5",
        "A1;10203041;Ana Pérez;3001234501;early;Banco;1;99;5",
        "A2;10203042;Bea Gil;3001234502;late;Banco;2;20;5",
        "A2;10203042;Bea Gil;3001234502;late;Banco;2;20;5",
        "A5;10203045;Eva Sol;3001234505;early;Banco;6;60;5",
        "A6;10203046;Fay Sosa;3001234506;early;Banco;7;70;5",
        "A8;10203046;Fay Sosa;3001234507;early;Banco;8;80;5",
        "A6;;Fay Sosa;3001234507;early;Banco;8;81;5",
        "A9;;Fay Sosa;3001234508;early;Banco;8;80;5",
        "A9;;Fay Sosa;3001234508;late;Banco;8;80;5",
    )
    QUERIES = (
        select(Debtor.external_id, Debtor.name, Debtor.document),
        select(Debtor.external_id, Phone.e164, Phone.rank, Phone.retired_at).join(Phone, Phone.debtor_id == Debtor.id),
        select(Debtor.external_id, Account.creditor, Account.number, Account.balance).join(
            Account, Account.debtor_id == Debtor.id
        ),
        select(Debtor.external_id, Lead.segment_id, Lead.state).join(Lead, Lead.debtor_id == Debtor.id),
    )

    async def said(self, store: Store, folder: Path, rows: int) -> tuple[object, ...]:
        """Import a list and its successor into a campaign in chunks of so many rows; return all it came to."""
        told: list[object] = []
        with pytest.MonkeyPatch.context() as patched:
            for size in ("_FEWEST", "_FIRST", "_MOST"):
                patched.setattr(f"campaigns.imports.pace.{size}", rows)
            self.write_after_the_next_look(patched)
            newer = [row.replace(";early;", ";late;").replace("Fay Sosa", "Fay Sosa Gil") for row in self.ROWS]
            for name, lines in (("a.csv", self.ROWS), ("b.csv", newer)):
                write(folder / name, self.NAMES, *lines)
                report = await import_list(store, folder / name, "spring", NOW)
                told += [report.new, report.changed, report.segments, report.imported]
                told += [(folder / f"{name}.rejects.csv").read_text(encoding="utf-8")]
        async with store.snapshot() as session:
            told += [sorted(map(str, await session.execute(query))) for query in self.QUERIES]
        return tuple(told)

    def write_after_the_next_look(self, patched: pytest.MonkeyPatch) -> None:
        """Let every chunk be looked up before the one before it is written: the worst order there is."""
        looked = asyncio.Event()

        async def look(*arguments: Any) -> Known:
            found = await looked_up(*arguments)
            looked.set()
            return found

        async def late(*arguments: Any, **said: Any) -> None:
            looked.clear()
            # After the last chunk there is no look to wait for.
            with suppress(TimeoutError):
                async with asyncio.timeout(LATE_S):
                    await looked.wait()
            await staging.write(*arguments, **said)

        patched.setattr("campaigns.importer.looked_up", look)
        patched.setattr("campaigns.importer.staging", SimpleNamespace(write=late, prepared=staging.prepared))

    @pytest.mark.parametrize("rows", [1, 2, 3, 4])
    async def test_the_same_list_in_other_chunks_comes_to_the_same(
        self, store: Store, tmp_path: Path, rows: int
    ) -> None:
        whole, parts = tmp_path / "whole", tmp_path / "parts"
        whole.mkdir()
        parts.mkdir()
        await Desk.opened(store)
        in_parts = await self.said(store, parts, rows)
        async with Store(f"sqlite:///{tmp_path}/whole.db") as other:
            await other.migrate()
            await Desk.opened(other)
            assert await self.said(other, whole, len(self.ROWS)) == in_parts

    async def test_two_lists_of_the_same_people_at_once_double_nobody(self, store: Store, tmp_path: Path) -> None:
        """Each finds what the other wrote since it looked, and looks again."""
        lines = [f"{1_000_000 + each};Persona {each};300{each:07};early;Banco;{each};10;5" for each in range(100, 900)]
        async with asyncio.TaskGroup() as both:
            for campaign in ("spring", "autumn"):
                await Desk.opened(store, campaign)
                write(tmp_path / f"{campaign}.csv", HEADER, *lines)
                both.create_task(import_list(store, tmp_path / f"{campaign}.csv", campaign, NOW))
        async with store.snapshot() as session:
            counts = [await session.scalar(select(func.count()).select_from(each)) for each in (Debtor, Phone, Lead)]
        assert counts == [800, 800, 1600]


class TestOnSqlite(OnSqlite, ImporterPeopleContract):
    pass


class TestChunksOnSqlite(OnSqlite, ImporterChunksContract):
    pass
