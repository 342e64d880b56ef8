"""pjsip.conf of a node: transports, trunks to carriers, the agents' softphones."""

from __future__ import annotations

from collections.abc import Iterable

from dialer.ami.config.secrets import Secrets, trunk_password
from dialer.config import AgentsConfig, Config, NodeConfig, TrunkConfig
from dialer.types import ConfigError

CODECS = frozenset({"alaw", "ulaw", "g722", "gsm"})
"""Codecs whose translators the rendered modules.conf loads: recordings and prompts need them."""

TRUNK_RTP_TIMEOUT_S = 60
"""A debtor's channel without any media for so long is dead: the carrier's BYE was lost."""

SESSION_EXPIRES_S = 600
"""SIP session timer: also the far end frees a call when Asterisk died without a BYE."""


def pjsip_conf(config: Config, node: NodeConfig, secrets: Secrets) -> str:
    """Return pjsip.conf; raises ConfigError naming the trunk or extension that cannot be written."""
    trunks = [trunk for trunk in config.trunks if trunk.node == node.name]
    first = config.agents.first_extension
    numbers = range(first, first + config.agents.extensions)
    _no_clash(trunks, numbers)
    sections = [
        "; Rendered by the dialer. It holds passwords: mode 0600.",
        _global(),
        *_transports(node, trunks),
        *(_trunk(trunk) for trunk in trunks),
        _softphones_share(config.agents),
        *(_softphone(number, secrets.extension(number)) for number in numbers),
    ]
    return "\n".join(sections)


def _global() -> str:
    # The last: else a trunk counts as gone until its first sign of life is asked for, up to qualify_s after a start.
    options = {"endpoint_identifier_order": "ip,username", "max_initial_qualify_time": 1}
    return _section("[global]", type="global", user_agent="dialer", **options)


def _no_clash(trunks: Iterable[TrunkConfig], numbers: range) -> None:
    for trunk in trunks:
        if trunk.name.isdigit() and int(trunk.name) in numbers:
            raise ConfigError(f"trunk {trunk.name!r} has the name of a softphone extension: give it another name")


def _section(header: str, **options: object) -> str:
    return f"{header}\n" + "".join(f"{option} = {value}\n" for option, value in options.items())


def _transports(node: NodeConfig, trunks: Iterable[TrunkConfig]) -> list[str]:
    host, _, port = node.sip_bind.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65535:
        raise ConfigError(f"node {node.name!r}: sip_bind {node.sip_bind!r} must be ADDRESS:PORT such as 0.0.0.0:5060")
    wanted = {"udp"} | {trunk.transport for trunk in trunks}
    sections = [
        _section(f"[transport-{kind}]", type="transport", protocol=kind, bind=node.sip_bind)
        for kind in ("udp", "tcp")
        if kind in wanted
    ]
    return [*sections, _tls_transport(f"{host}:{int(port) + 1}")] if "tls" in wanted else sections


def _tls_transport(bind: str) -> str:
    """TLS listens beside the plain port; the system's certificate authorities vouch for the carrier."""
    trust = {"verify_server": "yes", "ca_list_path": "/etc/ssl/certs"}
    return _section("[transport-tls]", type="transport", protocol="tls", bind=bind, method="tlsv1_2", **trust)


def _trunk(trunk: TrunkConfig) -> str:
    parts = [_trunk_endpoint(trunk), _trunk_aor(trunk), _trunk_identify(trunk)]
    if trunk.auth != "ip":
        parts.append(_trunk_auth(trunk))
    if trunk.auth == "register":
        parts.append(_trunk_registration(trunk))
    return "\n".join(parts)


def _trunk_endpoint(trunk: TrunkConfig) -> str:
    return _section(
        f"[{trunk.name}]",
        type="endpoint",
        transport=f"transport-{trunk.transport}",
        context="dialer-inbound",
        disallow="all",
        allow=_codecs(trunk.codecs, f"trunk {trunk.name!r}"),
        aors=trunk.name,
        **({} if trunk.auth == "ip" else {"outbound_auth": trunk.name}),
        **_MEDIA,
        rtp_timeout=TRUNK_RTP_TIMEOUT_S,
        rtp_timeout_hold=300,
        timers="yes",
        timers_min_se=90,
        timers_sess_expires=SESSION_EXPIRES_S,
        # The caller id is always shown, in From and in P-Asserted-Identity.
        callerid_privacy="allowed",
        trust_id_outbound="yes",
        send_pai="yes",
    )


# Connected-line updates would tell the debtor the agent's extension, by a new INVITE in every conversation.
_MEDIA = {
    "send_connected_line": "no",
    "direct_media": "no",
    "rtp_symmetric": "yes",
    "force_rport": "yes",
    "rewrite_contact": "yes",
    "dtmf_mode": "rfc4733",
    "allow_subscribe": "no",
}


def _uri(trunk: TrunkConfig) -> str:
    # The backslash keeps Asterisk's parser from reading a comment.
    transport = "" if trunk.transport == "udp" else f"\\;transport={trunk.transport}"
    return f"sip:{trunk.host}:{trunk.port}{transport}"


def _trunk_aor(trunk: TrunkConfig) -> str:
    return _section(f"[{trunk.name}]", type="aor", contact=_uri(trunk), qualify_frequency=round(trunk.qualify_s))


def _trunk_identify(trunk: TrunkConfig) -> str:
    return _section(f"[{trunk.name}-identify]", type="identify", endpoint=trunk.name, match=trunk.host)


def _trunk_auth(trunk: TrunkConfig) -> str:
    password = trunk_password(trunk)
    return _section(f"[{trunk.name}]", type="auth", auth_type="digest", username=trunk.username, password=password)


def _trunk_registration(trunk: TrunkConfig) -> str:
    return _section(
        f"[{trunk.name}-register]",
        type="registration",
        transport=f"transport-{trunk.transport}",
        outbound_auth=trunk.name,
        server_uri=_uri(trunk),
        client_uri=f"sip:{trunk.username}@{trunk.host}:{trunk.port}",
        contact_user=trunk.caller_id,
        expiration=300,
        retry_interval=30,
        forbidden_retry_interval=300,
        max_retries=1000000,
        line="yes",
        endpoint=trunk.name,
    )


def _softphones_share(agents: AgentsConfig) -> str:
    """Upper-case names cannot collide with a trunk's."""
    endpoint = _section(
        "[SOFTPHONE](!)",
        type="endpoint",
        transport="transport-udp",
        context="dialer-softphone",
        disallow="all",
        allow=_codecs(agents.codecs, "agents"),
        **_MEDIA,
    )
    aor = _section(
        "[SOFTPHONE-AOR](!)",
        type="aor",
        max_contacts=1,
        remove_existing="yes",
        qualify_frequency=agents.qualify_frequency_s,
        qualify_timeout=agents.qualify_timeout_s,
    )
    return f"{endpoint}\n{aor}"


def _softphone(number: int, password: str) -> str:
    return "\n".join(
        [
            _section(f"[{number}](SOFTPHONE)", auth=number, aors=number, callerid=f"Agent {number} <{number}>"),
            _section(f"[{number}](SOFTPHONE-AOR)"),
            _section(f"[{number}]", type="auth", auth_type="digest", username=number, password=password),
        ]
    )


def _codecs(codecs: str, where: str) -> str:
    unknown = [codec for codec in codecs.split(",") if codec not in CODECS]
    if unknown:
        raise ConfigError(f"{where}: codecs {', '.join(unknown)} are not supported; use {', '.join(sorted(CODECS))}")
    return codecs
