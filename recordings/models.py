"""The table of recordings: one row per call that should have one, kept even when the file is not."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from dialer.store import Base


class RecordingState(StrEnum):
    """`stored` can be played; `missing` was never found; `failed` could not be wrapped and its raw file is kept."""

    STORED = "stored"
    MISSING = "missing"
    FAILED = "failed"


class Recording(Base):
    """One call's audio: left the debtor, right the agent; `detail` says why when it is not stored."""

    __tablename__ = "recordings"

    call_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    path: Mapped[str] = mapped_column(Text, default="")
    format: Mapped[str] = mapped_column(String(8), default="")
    bytes_raw: Mapped[int] = mapped_column(BigInteger, default=0)
    seconds: Mapped[float] = mapped_column(default=0.0)
    sha256: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    created_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    detail: Mapped[str] = mapped_column(Text, default="")
