"""What the node's own files say of it: users, endpoints, modules, dialplan; read from the texts Asterisk would read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Final

from dialer.ami.config.files import node_files
from dialer.ami.config.layout import layout
from dialer.ami.config.secrets import Secrets
from dialer.config import Config, NodeConfig
from dialer.simulation.accounts import Accounts, read_accounts, sections_of

VERSION: Final = "22.10.1-simulated"
"""What CoreSettings tells: supported, and never to be taken for a real Asterisk."""

SIP_ADDRESS: Final = "192.0.2.1:5060"
"""Where simulated softphones seem to be registered from: an address that belongs to nobody."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A trunk or a softphone as pjsip.conf describes it; `uri` is the trunk's or the softphone's contact."""

    name: str
    trunk: bool
    transport: str
    context: str
    uri: str
    registers: bool = False

    @property
    def contact_id(self) -> str:
        """The name of the contact object in lists."""
        return f"{self.name};@{md5(self.uri.encode(), usedforsecurity=False).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Installation:
    """One node as configured."""

    node: NodeConfig
    files: Mapping[str, str]
    accounts: Accounts
    endpoints: Mapping[str, Endpoint]
    modules: tuple[str, ...]

    @property
    def name(self) -> str:
        """The SystemName."""
        return self.node.name

    def sections(self, file: str) -> list[tuple[str, list[tuple[str, str]]]]:
        """Return a configuration file's sections in order."""
        return list(sections_of(self.files[file]))


def installed(config: Config, node: NodeConfig, secrets: Secrets) -> Installation:
    """Return a node with the very files that `dialer asterisk config` would write for it."""
    files = node_files(config, node, secrets, layout(node))
    loaded = [value for _, options in sections_of(files["modules.conf"]) for name, value in options if name == "load"]
    return Installation(node, files, read_accounts(files["manager.conf"]), _endpoints(config, node), tuple(loaded))


def _endpoints(config: Config, node: NodeConfig) -> dict[str, Endpoint]:
    first = config.agents.first_extension
    phones = [
        Endpoint(str(number), False, "transport-udp", "dialer-softphone", f"sip:{number}@{SIP_ADDRESS}")
        for number in range(first, first + config.agents.extensions)
    ]
    trunks = [
        Endpoint(
            trunk.name,
            True,
            f"transport-{trunk.transport}",
            "dialer-inbound",
            f"sip:{trunk.host}:{trunk.port}",
            registers=trunk.auth == "register",
        )
        for trunk in config.trunks
        if trunk.node == node.name
    ]
    return {endpoint.name: endpoint for endpoint in sorted([*phones, *trunks], key=lambda one: one.name)}
