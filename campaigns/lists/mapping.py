"""How somebody says what a file does not say by itself: which column is which, decimals, dates, the sheet."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from campaigns.lists.vocabulary import CONTACT_FIELDS, FIELDS, FLAGS
from dialer.validation import Section, read_toml, validated


def _several(value: object) -> object:
    return (value,) if isinstance(value, str) else value


Headers = Annotated[tuple[str, ...], BeforeValidator(_several)]


class MappingSection(Section):
    """A table of a mapping file."""

    reference: ClassVar[str] = "docs/lists.md"


class Formats(MappingSection):
    """How values are written, where the file itself does not prove it."""

    decimal: Literal["", ",", "."] = ""
    date: Literal["", "dmy", "mdy"] = ""
    encoding: str = ""
    delimiter: Annotated[str, Field(max_length=1)] = ""
    sheet: str = ""
    country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    header_line: Annotated[int, Field(ge=1)] = 1


class Mapping(MappingSection):
    """A mapping file: `[columns] field = "Header"` (or several headers), `[custom] name = "Header"`, `[formats]`.

    `[contacts]` does for a file of earlier contacts what `[columns]` does for a list.
    """

    columns: dict[str, Headers] = {}
    ignore: Headers = ()
    custom: dict[str, str] = {}
    contacts: dict[str, Headers] = {}
    flags: dict[str, Headers] = {}
    formats: Formats = Formats()

    @model_validator(mode="after")
    def _known_fields(self) -> Self:

        for name in self.columns:
            if name not in FIELDS:
                raise ValueError(f"columns.{name}: no such field; known: {', '.join(FIELDS)}")
        for name in self.contacts:
            if name not in CONTACT_FIELDS:
                raise ValueError(f"contacts.{name}: no such field; known: {', '.join(CONTACT_FIELDS)}")
        for name in self.flags:
            if name not in FLAGS:
                raise ValueError(f"flags.{name}: no such flag; known: {', '.join(FLAGS)}")
        return self

    def fingerprint(self, *also: str) -> str:
        """Return what tells two ways of reading one file apart."""
        return sha256("\0".join([self.model_dump_json(), *also]).encode()).hexdigest()


def load_mapping(path: Path | None) -> Mapping:
    """Read a mapping file; None is an empty one. Raises ConfigError naming the file and the key."""
    return Mapping() if path is None else validated(Mapping, read_toml(path, "docs/lists.md shows one"), path)
