"""The report of a list: every row that was not imported, and every value that was left out, with the reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TextIO

from campaigns.lists.rows import Reject
from dialer.types import InputError

HEADER = ("line", "column", "value", "reason", "result")
FIRST = 10
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Report:
    """Writes `<list>.rejects.csv`; the file exists only when there is something to tell."""

    def __init__(self, source: Path, *, write: bool = True) -> None:
        self.path = source.with_name(source.name + ".rejects.csv")
        self.rejected = 0
        self.remarks = 0
        self.first: list[Reject] = []
        self._write = write
        self._file: TextIO | None = None

    @property
    def where(self) -> Path | None:
        """Return the file, None when there was nothing to tell."""
        return self.path if self._file is not None else None

    def __enter__(self) -> Self:
        """Remove the report of an earlier import."""
        if self._write:
            try:
                self.path.unlink(missing_ok=True)
            except OSError as error:
                raise InputError(f"{self.path}: cannot be replaced: {error.strerror}") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def add(self, rejects: Iterable[Reject]) -> None:
        """Write down what was refused."""
        for reject in rejects:
            if reject.imported:
                self.remarks += 1
            else:
                self.rejected += 1
            if len(self.first) < FIRST:
                self.first.append(reject)
            if self._write:
                result = "imported" if reject.imported else "rejected"
                self._writer().writerow([reject.line, *map(_harmless, reject[1:4]), result])

    def _writer(self) -> Any:
        if self._file is None:
            try:
                self._file = self.path.open("w", encoding="utf-8", newline="")
            except OSError as error:
                raise InputError(f"{self.path}: cannot be written: {error.strerror}") from error
            csv.writer(self._file).writerow(HEADER)
        return csv.writer(self._file)


def _harmless(text: str) -> str:
    """A spreadsheet runs what begins like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text
