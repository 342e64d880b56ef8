"""The profiles of this installation: those of the package and those in the house's own directory."""

from __future__ import annotations

from pathlib import Path

from campaigns.compliance import Library
from dialer.config import Config
from dialer.types import ConfigError


def open_library(config: Config) -> Library:
    """Return every profile there is; raises ConfigError naming the file and the key that is wrong."""
    folder = config.compliance.directory
    return Library.shipped() if folder is None else Library.shipped().with_house(house_texts(folder))


def house_texts(folder: Path) -> dict[str, str]:
    """Return the texts of a directory of profiles by file; raises ConfigError where it cannot be read."""
    if not folder.is_dir():
        raise ConfigError(f"compliance.directory: {folder} is no directory; create it, or leave the key out")
    return {str(path): house_text(path) for path in sorted(folder.glob("*.toml"))}


def house_text(path: Path) -> str:
    """Return the text of one file of profiles; raises ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8 text ({exc.reason}); save it as UTF-8") from exc
