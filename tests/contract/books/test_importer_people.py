"""Who is who in lists: one person once, whatever the file; what newer lists change, and what they never do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, text

from campaigns.importer import ImportReport, import_list
from campaigns.lists.mapping import Formats, Mapping
from campaigns.models import Account, Debtor, Lead, LeadState, Phone
from dialer.store import Store
from dialer.types import Outcome
from tests.books import NOW, Desk, OnSqlite

HEADER = "cédula;nombre;celular;segmento;acreedor;nro crédito;saldo;mora"


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


class TestOnSqlite(OnSqlite, ImporterPeopleContract):
    pass
