"""The rules in force in a running service: read again when a file of the house changes."""

from __future__ import annotations

import structlog

from dialer.app.profiles import open_library
from dialer.config import Config
from dialer.types import ConfigError

log = structlog.get_logger("dialer.rules")

Stamp = tuple[tuple[str, int, int], ...]


class Rules:
    """The library in force. Files that are wrong stop the start with ConfigError; later the last good rules stay."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._stamp = self._stamped()
        self.library = open_library(config)

    def look_again(self) -> None:
        """Take over what changed in the house's directory; a mistake in it is told, and changes nothing."""
        if (stamp := self._stamped()) == self._stamp:
            return
        self._stamp = stamp
        try:
            self.library = open_library(self._config)
        except ConfigError as exc:
            log.error("rules not read", detail=str(exc))  # noqa: TRY400 - no bug of ours
        else:
            log.info("rules read again", profiles=len(self.library.profiles))

    def _stamped(self) -> Stamp:
        folder = self._config.compliance.directory
        if folder is None:
            return ()
        try:
            stats = [(str(path), path.stat()) for path in sorted(folder.glob("*.toml"))]
        except OSError:
            return ()  # a file that goes while it is looked at: the next look tells
        return tuple((name, stat.st_mtime_ns, stat.st_size) for name, stat in stats)
