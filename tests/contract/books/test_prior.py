"""Contacts made before this dialer count from the first day; without a word about them no campaign starts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from campaigns.case_models import PriorEvent
from campaigns.models import Campaign
from campaigns.prior import HistoryReport, declare_none, load_history
from dialer.store import Store
from dialer.types import InputError
from tests.books import NOW, Desk, OnSqlite

HEADER = "Teléfono;Documento;Fecha;Hora;Resultado"


class PriorContract:
    @pytest.fixture
    async def desk(self, store: Store) -> Desk:
        desk = await Desk.opened(store)
        await desk.list_debtor("1234567", "+573001234567")
        return desk

    async def loaded(self, desk: Desk, folder: Path, *rows: str, header: str = HEADER, **said: Any) -> HistoryReport:
        path = folder / "history.csv"
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return await load_history(desk.store, path, "spring", NOW, by="Rosa", **said)

    async def events(self, desk: Desk) -> set[tuple[str, str, str]]:
        async with desk.store.snapshot() as session:
            found = (await session.execute(select(PriorEvent.key, PriorEvent.kind, PriorEvent.at))).all()
        return {(key, kind, f"{at:%m-%d %H:%M}") for key, kind, at in found}

    async def declared(self, desk: Desk) -> tuple[str | None, int | None]:
        async with desk.store.snapshot() as session:
            campaign = (await session.scalars(select(Campaign))).one()
        return campaign.history_by, campaign.history_rows

    async def test_a_conversation_counts_at_phone_and_person(self, desk: Desk, tmp_path: Path) -> None:
        report = await self.loaded(desk, tmp_path, "300 123 4567;;01/06/2026;10:30;Promesa de pago")
        keys = {"phone:+573001234567", "person:1"}
        kinds = {"attempt", "contact", "conversation"}
        assert await self.events(desk) == {(key, kind, "06-01 15:30") for key in keys for kind in kinds}
        assert (report.stored, report.declared) == (1, True)
        assert await self.declared(desk) == ("Rosa", 1)

    async def test_the_same_file_again_adds_nothing(self, desk: Desk, tmp_path: Path) -> None:
        row = "3001234567;;2026-06-01T10:30:00-05:00;;no contesta"
        await self.loaded(desk, tmp_path, row)
        before = await self.events(desk)
        await self.loaded(desk, tmp_path, row)
        assert await self.events(desk) == before

    async def test_a_day_without_a_time_is_its_end(self, desk: Desk, tmp_path: Path) -> None:
        await self.loaded(desk, tmp_path, "3001234567;;31/05/2026;;ocupado")
        assert {at for _, _, at in await self.events(desk)} == {"06-01 04:59"}

    async def test_somebody_unknown_counts_at_the_number(self, desk: Desk, tmp_path: Path) -> None:
        report = await self.loaded(desk, tmp_path, "3019999999;;01/06/2026;10:30;buzón")
        assert {key for key, _, _ in await self.events(desk)} == {"phone:+573019999999"}
        assert report.strangers == 1

    async def test_what_cannot_be_read_is_reported_and_the_history_is_not_complete(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        rows = ("3001234567;;01/06/2026;10:30;quién sabe", "3001234567;;01/06/2026;11:30;contacto")
        report = await self.loaded(desk, tmp_path, *rows)
        assert (report.rejected, report.stored, report.declared) == (1, 1, False)
        assert await self.declared(desk) == (None, None)
        assert (await self.loaded(desk, tmp_path, *rows, despite_rejects=True)).declared
        assert await self.declared(desk) == ("Rosa", 1)

    async def test_what_no_rule_looks_at_is_left_out(self, desk: Desk, tmp_path: Path) -> None:
        long_ago = NOW - timedelta(days=60)
        report = await self.loaded(desk, tmp_path, f"3001234567;;{long_ago:%d/%m/%Y};10:30;contacto")
        assert (report.too_old, report.events) == (1, 0)

    async def test_letters_and_messages_are_no_calls(self, desk: Desk, tmp_path: Path) -> None:
        header = f"{HEADER};Canal"
        await self.loaded(desk, tmp_path, "3001234567;;01/06/2026;10:30;conversación;WhatsApp", header=header)
        assert await self.events(desk) == {("other:1", "conversation", "06-01 15:30")}

    async def test_somebody_may_declare_that_there_were_none(self, desk: Desk) -> None:
        await declare_none(desk.store, "spring", "Rosa", NOW)
        assert await self.declared(desk) == ("Rosa", 0)

    @pytest.mark.parametrize(
        ("header", "row", "complaint"),
        [
            ("Teléfono;Fecha", "3001234567;01/06/2026", "needed are when"),
            ("Teléfono;Fecha;Fecha hora;Resultado", "1;2;3;4", "may both be at"),
            (HEADER, "3001234567;;05/25/2026;;contacto", "line 2: 05/25/2026 cannot be dmy"),
        ],
    )
    async def test_a_file_that_tells_no_history_is_refused(
        self, desk: Desk, tmp_path: Path, header: str, row: str, complaint: str
    ) -> None:
        with pytest.raises(InputError, match=complaint):
            await self.loaded(desk, tmp_path, row, header=header)


class TestOnSqlite(OnSqlite, PriorContract):
    pass
