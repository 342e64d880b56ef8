"""The state directory: every command needs it, and nothing is kept anywhere else."""

from __future__ import annotations

from pathlib import Path

from dialer.config import Config
from dialer.types import ConfigError


def state_directory(config: Config) -> Path:
    """Return the state directory, made if need be; raises ConfigError naming service.home when it cannot be."""
    try:
        config.home.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise ConfigError(
            f"the state directory {config.home} (service.home or DIALER_HOME) cannot be made: {exc.strerror}; "
            "name a folder this user may write to"
        ) from exc
    return config.home
