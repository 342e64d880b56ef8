"""The smaller files of a node, each from its template."""

from __future__ import annotations

from dialer.ami.config.dialplan import extensions_conf
from dialer.ami.config.layout import Layout, filled
from dialer.ami.config.pjsip import pjsip_conf
from dialer.ami.config.secrets import Secrets
from dialer.ami.evidence import CEL_EVENTS, CEL_MAPPING
from dialer.ami.messages import WANTED_EVENTS
from dialer.config import Config, NodeConfig
from dialer.types import ConfigError

PRIVATE = frozenset({"manager.conf", "pjsip.conf"})
"""Files that hold secrets: written with mode 0600."""

_STATIC = (
    "logger.conf",
    "modules.conf",
    "http.conf",
    "cdr.conf",
    "confbridge.conf",
    "acl.conf",
    "ccss.conf",
    "indications.conf",
    "pjproject.conf",
    "udptl.conf",
)


def node_files(config: Config, node: NodeConfig, secrets: Secrets, place: Layout) -> dict[str, str]:
    """Return every configuration file of a node by name."""
    return {name: filled(name) for name in _STATIC} | {
        "asterisk.conf": filled("asterisk.conf", directories=place.section, node=node.name),
        "manager.conf": _manager_conf(node, secrets, place),
        "rtp.conf": _rtp_conf(node),
        "pjsip.conf": pjsip_conf(config, node, secrets),
        "extensions.conf": extensions_conf(config, node, place),
        "amd.conf": _amd_conf(config.dialing.amd_cap_s),
        "cel.conf": filled("cel.conf", events=",".join(CEL_EVENTS)),
        "cel_custom.conf": filled("cel_custom.conf", file=node.evidence_file.name, mapping=CEL_MAPPING),
        "features.conf": filled("features.conf", tone=f"{place.sounds}/tone"),
    }


def _manager_conf(node: NodeConfig, secrets: Secrets, place: Layout) -> str:
    keys = secrets.node(node.name)
    return filled(
        "manager.conf",
        # With TLS the plain listener stays, on loopback only: Asterisk cannot switch it off alone.
        plain_port=node.port if not node.tls else _beside(node.port),
        plain_bind="127.0.0.1" if node.tls else node.ami_bind,
        tls=_tls(node, place) if node.tls else "",
        events=keys.events,
        actions=keys.actions,
        admin=keys.admin,
        filters="".join(f"eventfilter(name({name})) =\n" for name in sorted(WANTED_EVENTS)),
    )


def _beside(port: int) -> int:
    return port - 1 if port == 65535 else port + 1


def _tls(node: NodeConfig, place: Layout) -> str:
    bind = f"tlsenable = yes\ntlsbindaddr = {node.ami_bind}:{node.port}\n"
    return bind + f"tlscertfile = {place.etc}/ami.pem\ntlsprivatekey = {place.etc}/ami.pem\ntlsdisablev1 = yes\n"


def _rtp_conf(node: NodeConfig) -> str:
    if node.rtp_first >= node.rtp_last:
        raise ConfigError(f"node {node.name!r}: rtp_first {node.rtp_first} must be below rtp_last {node.rtp_last}")
    return filled("rtp.conf", first=node.rtp_first, last=node.rtp_last)


def _amd_conf(cap_s: float) -> str:
    """HUMAN is a word with 300 ms of silence after it; MACHINE is a voice that fills five eighths of the time."""
    total = round(cap_s * 1000)
    return filled(
        "amd.conf",
        total=total,
        initial_silence=total + 1000,
        greeting=total * 5 // 8,
        after_greeting=min(300, total // 3),
    )
