"""Writes the files of every node: `OUT/<node>/` is what the node's /etc/asterisk must hold."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from dialer.ami.config.files import PRIVATE, node_files
from dialer.ami.config.layout import layout
from dialer.ami.config.prompts import make_prompts
from dialer.ami.config.secrets import Secrets
from dialer.config import Config, NodeConfig
from dialer.types import ConfigError


def render(config: Config, secrets: Secrets, out: Path) -> list[Path]:
    """Write one directory a node under `out`, files with secrets in mode 0600; return every path written.

    Nothing is written when the configuration cannot be rendered: ConfigError names the file and key.
    """
    if not config.nodes:
        raise ConfigError("config.toml: nodes: there is no [[nodes]] table, so there is nothing to render")
    texts = {node.name: node_files(config, node, secrets, layout(node)) for node in config.nodes}
    with tempfile.TemporaryDirectory() as spoken:
        sounds = Path(spoken)
        prompts = [path.relative_to(sounds) for path in make_prompts(config, sounds)]
        return [path for node in config.nodes for path in _write_node(node, texts[node.name], sounds, prompts, out)]


def _write_node(node: NodeConfig, texts: dict[str, str], sounds: Path, prompts: list[Path], out: Path) -> list[Path]:
    written = []
    (out / node.name).mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        written.append(_write(out / node.name / name, text, 0o600 if name in PRIVATE else 0o644))
    for prompt in prompts:
        target = out / node.name / "sounds" / "dialer" / prompt
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sounds / prompt, target)
        written.append(target)
    return written


def _write(path: Path, text: str, mode: int) -> Path:
    """Create with the final mode from the start: a secret is never readable for a moment."""
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as out:
        out.write(text)
    fresh.replace(path)
    return path
