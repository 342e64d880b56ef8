"""From TOML to frozen, validated objects; every error names the file, the key and the remedy."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Protocol, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, ValidationInfo

from dialer.types import ConfigError, InputError

Language = Literal["es", "en", "pt"]


def _slug(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,39}", value):
        raise ValueError("use 1 to 40 of a-z, 0-9, '-' and '_', starting with a letter or digit")
    return value


def _zone(value: str) -> str:
    if value:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"{value!r} is not an IANA time zone such as America/Bogota") from None
    return value


def _e164(value: str) -> str:
    if not re.fullmatch(r"\+[1-9]\d{6,14}", value):
        raise ValueError("write it as E.164, for example +5491122334455")
    return value


def _one_line(value: str) -> str:
    if any(ord(character) < 32 for character in value):
        raise ValueError("control characters and line breaks are not allowed")
    return value


def _header_safe(value: str) -> str:
    if re.search(r'[\[\];"<>\\]', _one_line(value)):
        raise ValueError('the characters [ ] ; " < > and \\ are not allowed here')
    return value


def _from_folder(value: Path, info: ValidationInfo) -> Path:
    return value if info.context is None else (info.context["folder"] / value).resolve()


Slug = Annotated[str, AfterValidator(_slug)]
Zone = Annotated[str, AfterValidator(_zone)]
E164 = Annotated[str, AfterValidator(_e164)]
Safe = Annotated[str, AfterValidator(_header_safe)]
LocalPath = Annotated[Path, AfterValidator(_from_folder)]
"""A path on this machine; a relative one counts from the folder of the file that names it."""
Codecs = Annotated[str, Field(pattern=r"^[a-z0-9]+(,[a-z0-9]+)*$")]


class Section(BaseModel):
    """A table of a TOML file: unknown keys are errors, values cannot change after loading.

    `reference` is the file in the repository that explains every key.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    reference: ClassVar[str] = "config.toml"


def is_loopback(host: str) -> bool:
    """Say whether an address can only be this machine."""
    return host in ("localhost", "::1") or host.startswith("127.")


class _HasName(Protocol):
    @property
    def name(self) -> str: ...


Model = TypeVar("Model", bound=Section)
Named = TypeVar("Named", bound=_HasName)


def named(items: Iterable[Named], name: str, kind: str) -> Named:
    """Return the item of this name; raise ConfigError naming the known ones."""
    known = {item.name: item for item in items}
    if name not in known:
        raise ConfigError(f"unknown {kind} {name!r}; known: {', '.join(known) or 'none'}")
    return known[name]


def read_toml(path: Path, remedy: str) -> dict[str, Any]:
    """Read a TOML file; `remedy` says what to do where there is none. Raises ConfigError."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; {remedy}") from None
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}; {remedy}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text ({exc.reason}); save it as UTF-8") from exc
    return parse_toml(text, path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """Read TOML text; `path` is what errors name. Raises ConfigError with line and column."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}; text values stand in double quotes") from exc


def validated(model: type[Model], raw: dict[str, Any], path: Path) -> Model:
    """Return the object the file describes; raise ConfigError with one line per wrong key."""
    try:
        return model.model_validate(raw, context={"folder": path.resolve().parent})
    except ValidationError as exc:
        lines = [f"{path}: {_key(error['loc'])}: {_reason(dict(error), model)}" for error in exc.errors()]
        raise ConfigError("\n".join(lines)) from exc


def _key(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key or "the file"


def _reason(error: dict[str, Any], model: type[Section]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key; remove it, or see {model.reference} in the repository for every key there is"
        case "missing":
            return f"this key is required; see {model.reference} in the repository"
        case "tuple_type":
            return "this is a list: write values in [ ], and a table that may come several times as [[name]]"
        case "model_type":
            return "this is a table: write it as [name] with its keys below"
        case _:
            message = str(error["msg"]).removeprefix("Value error, ")
            return message if isinstance(error["input"], dict) else f"{message} (got {error['input']!r})"


def moment(text: str) -> datetime:
    """Return a moment that somebody wrote, with its zone; raises InputError for any other text."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"{text!r} is not a moment with its zone, such as 2026-06-02T15:04:05-03:00")
    return found
