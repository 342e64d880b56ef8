"""Everything an Asterisk node needs, rendered from config.toml: the same files in production and in the tests."""

from dialer.ami.config.render import render
from dialer.ami.config.secrets import (
    NodeSecrets,
    Secrets,
    ensure_secrets,
    load_secrets,
    secrets_file,
    trunk_password,
)

__all__ = ["NodeSecrets", "Secrets", "ensure_secrets", "load_secrets", "render", "secrets_file", "trunk_password"]
