"""config.toml as one frozen, validated object; every error names the file and the key.

Campaign files live in `dialer.campaign_file`; their names can be imported from here too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import Field, model_validator

from dialer.campaign_file import (
    DAYS,
    CallbackConfig,
    CampaignConfig,
    PacingConfig,
    RetryRule,
    SegmentConfig,
    Window,
    load_campaign,
    parse_campaign,
)
from dialer.clock import ScaledClock, SystemClock
from dialer.simulation_config import SimulationConfig
from dialer.types import Clock, ConfigError
from dialer.validation import (
    E164,
    Codecs,
    Language,
    LocalPath,
    Safe,
    Section,
    Slug,
    Zone,
    is_loopback,
    named,
    read_toml,
    validated,
)

__all__ = [
    "DAYS",
    "E164",
    "AgencyConfig",
    "AgentsConfig",
    "AmiConfig",
    "CallbackConfig",
    "CampaignConfig",
    "ComplianceConfig",
    "Config",
    "DatabaseConfig",
    "DialingConfig",
    "Language",
    "MenuConfig",
    "NodeConfig",
    "PacingConfig",
    "PromptsConfig",
    "RecordingsConfig",
    "RedisConfig",
    "RetryRule",
    "Safe",
    "Section",
    "SegmentConfig",
    "ServiceConfig",
    "SimulationConfig",
    "Slug",
    "TrunkConfig",
    "Window",
    "Zone",
    "load_campaign",
    "load_config",
    "parse_campaign",
]


class ServiceConfig(Section):
    """Where the service keeps its state and what it serves."""

    home: LocalPath = Field(default=Path("./var"), validate_default=True)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics: str = "127.0.0.1:9300"


class DatabaseConfig(Section):
    """The SQL store; an empty url means SQLite in the state directory."""

    url: str = ""
    url_file: LocalPath | None = None
    timeout_s: float = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _url_once(self) -> Self:
        _only_one(self.url, self.url_file)
        return self


class RedisConfig(Section):
    """The queues; an empty url means a private redis-server in the state directory."""

    url: str = ""
    url_file: LocalPath | None = None
    timeout_s: float = Field(default=2.0, gt=0, le=30)

    @model_validator(mode="after")
    def _url_once(self) -> Self:
        _only_one(self.url, self.url_file)
        return self


Urls = TypeVar("Urls", DatabaseConfig, RedisConfig)


def _only_one(url: str, url_file: Path | None) -> None:
    if url and url_file:
        raise ValueError("'url' and 'url_file' are both set; keep one of them")


class AgencyConfig(Section):
    """Who calls: spoken in the abandonment message and shown to nobody else."""

    name: Safe = "Agencia"
    callback_number: E164 = "+541150000000"
    hours: Safe = "lunes a viernes de 9 a 18 horas"


class NodeConfig(Section):
    """One Asterisk: how to reach its manager interface and its files."""

    name: Slug
    host: Safe = "127.0.0.1"
    port: int = Field(default=5038, ge=1, le=65535)
    tls: bool = False
    tls_ca: LocalPath | None = None
    calls_per_s: float = Field(default=50.0, gt=0, le=1000)
    channels: int = Field(default=1500, ge=1)
    recordings_inside: str = "/var/spool/asterisk/dialer"
    recordings_dir: LocalPath = Path("/var/spool/asterisk/dialer")
    evidence_file: LocalPath = Path("/var/log/asterisk/cel-custom/dialer.csv")
    sip_bind: Safe = "0.0.0.0:5060"
    ami_bind: Safe = "127.0.0.1"
    rtp_first: int = Field(default=10000, ge=1024, le=65534)
    rtp_last: int = Field(default=20000, ge=1025, le=65535)
    directories: str = ""


class TrunkConfig(Section):
    """One carrier: where calls go out, how fast, how many, and the caller id they show."""

    name: Slug
    node: Slug
    host: Safe
    port: int = Field(default=5060, ge=1, le=65535)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    auth: Literal["ip", "digest", "register"] = "ip"
    username: Safe = ""
    password_env: str = ""
    password_file: LocalPath | None = None
    caller_id: E164
    caller_name: Safe = ""
    number_format: Literal["e164", "digits"] = "e164"
    prefix: Annotated[str, Field(pattern=r"^[0-9#*]{0,8}$")] = ""
    calls_per_s: float = Field(default=5.0, gt=0, le=1000)
    channels: int = Field(default=30, ge=1)
    codecs: Codecs = "alaw,ulaw"
    qualify_s: float = Field(default=30.0, ge=0)

    @model_validator(mode="after")
    def _digest_needs_a_user(self) -> Self:
        if self.auth != "ip" and not self.username:
            raise ValueError(f"auth = {self.auth!r} needs 'username' and 'password_env' or 'password_file'")
        return self

    def dial_string(self, phone: str) -> str:
        """Return the channel to originate for an E.164 phone: `PJSIP/<number>@<trunk>`."""
        number = phone if self.number_format == "e164" else phone.removeprefix("+")
        return f"PJSIP/{self.prefix}{number}@{self.name}"


class AgentsConfig(Section):
    """Softphones and the agent's rhythm."""

    first_extension: int = Field(default=1001, ge=100, le=99999)
    extensions: int = Field(default=25, ge=0, le=2000)
    wrap_up_s: float = Field(default=30.0, ge=0, le=3600)
    login_timeout_s: float = Field(default=30.0, gt=0, le=120)
    codecs: Codecs = "alaw,ulaw"
    qualify_frequency_s: int = Field(default=1, ge=1, le=60)
    qualify_timeout_s: float = Field(default=0.8, gt=0, le=10)


class DialingConfig(Section):
    """The life of one call, in seconds; legal minima are not knobs to be tuned away."""

    ring_timeout_s: float = Field(default=28.0, ge=15, le=60)
    setup_s: float = Field(default=4.0, ge=1, le=30)
    min_ring_s: float = Field(default=15.0, ge=15, le=60)
    connect_within_s: float = Field(default=2.0, gt=0, le=2.0)
    amd_cap_s: float = Field(default=1.2, gt=0.3, le=1.2)
    dead_leg_s: float = Field(default=3.0, ge=0, le=10)
    max_lines: int = Field(default=1000, ge=1)
    lease_s: float = Field(default=120.0, ge=30)

    @property
    def longest_s(self) -> float:
        """Seconds after which no phone rings any more: it may begin to ring at the last moment, and then rings long."""
        return self.ring_timeout_s + self.setup_s + self.min_ring_s

    @model_validator(mode="after")
    def _ring_long_enough(self) -> Self:
        if self.ring_timeout_s < self.min_ring_s:
            raise ValueError(f"ring_timeout_s {self.ring_timeout_s} is below min_ring_s {self.min_ring_s}")
        return self


class AmiConfig(Section):
    """Deadlines of the call plane and the limits at which new calls stop."""

    action_timeout_s: float = Field(default=3.0, gt=0, le=30)
    ping_s: float = Field(default=1.0, gt=0, le=30)
    ping_timeout_s: float = Field(default=2.0, gt=0, le=30)
    backoff_first_s: float = Field(default=0.1, gt=0)
    backoff_last_s: float = Field(default=5.0, gt=0)
    shed_event_lag_s: float = Field(default=0.5, gt=0)
    shed_ack_p99_s: float = Field(default=0.25, gt=0)
    shed_outstanding: int = Field(default=1500, ge=1)


class RecordingsConfig(Section):
    """Where finished recordings go and in which form."""

    dir: LocalPath | None = None
    format: Literal["flac", "wav"] = "flac"
    min_free_mb: int = Field(default=500, ge=0)


class MenuConfig(Section):
    """The abandoned-call menu (FastAGI)."""

    host: Safe = "127.0.0.1"
    port: int = Field(default=4573, ge=1, le=65535)
    max_sessions: int = Field(default=50, ge=1)


class PromptsConfig(Section):
    """Own audio instead of the spoken one: <dir>/<language>/<prompt>.wav, 8 kHz mono 16 bit."""

    dir: LocalPath | None = None


class ComplianceConfig(Section):
    """Where the agency's own rules are, and the numbers it has declared to an authority."""

    directory: LocalPath | None = None
    registered_caller_ids: dict[Slug, tuple[E164, ...]] = {}


class Config(Section):
    """The whole of config.toml."""

    service: ServiceConfig = ServiceConfig()
    database: DatabaseConfig = DatabaseConfig()
    redis: RedisConfig = RedisConfig()
    agency: AgencyConfig = AgencyConfig()
    nodes: tuple[NodeConfig, ...] = ()
    trunks: tuple[TrunkConfig, ...] = ()
    agents: AgentsConfig = AgentsConfig()
    dialing: DialingConfig = DialingConfig()
    ami: AmiConfig = AmiConfig()
    recordings: RecordingsConfig = RecordingsConfig()
    menu: MenuConfig = MenuConfig()
    prompts: PromptsConfig = PromptsConfig()
    compliance: ComplianceConfig = ComplianceConfig()
    simulation: SimulationConfig = SimulationConfig()

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        nodes = [node.name for node in self.nodes]
        trunks = [trunk.name for trunk in self.trunks]
        if twice := {name for name in nodes if nodes.count(name) > 1} | {n for n in trunks if trunks.count(n) > 1}:
            raise ValueError(f"names used twice: {', '.join(sorted(twice))}")
        for trunk in self.trunks:
            if trunk.node not in nodes:
                raise ValueError(
                    f"trunk {trunk.name!r} names node {trunk.node!r}; known nodes: {', '.join(nodes) or 'none'}"
                )
        for key in ("recordings_dir", "evidence_file"):
            places = [getattr(node, key) for node in self.nodes]
            if len(set(places)) != len(places):
                raise ValueError(
                    f"two nodes have the same {key}; give each its own, or one's files pass for the other's"
                )
        return self

    @model_validator(mode="after")
    def _fake_time_stays_here(self) -> Self:
        """Refuse other time than the machine's where a real Asterisk could be."""
        away = [f"{node.name} ({node.host})" for node in self.nodes if not is_loopback(node.host)]
        if self.simulation.on and away:
            raise ValueError(
                f"[simulation] changes the time, so every node must be a simulated one on this machine; "
                f"these are elsewhere: {', '.join(away)}. Remove [simulation] to work with real nodes"
            )
        return self

    def clock(self) -> Clock:
        """Return the clock that every process of this installation tells the time by."""
        kept = self.simulation
        if kept.starts_at is None or kept.anchor is None:
            return SystemClock()
        return ScaledClock(kept.speed, kept.starts_at, kept.anchor)

    @property
    def home(self) -> Path:
        """The state directory, absolute."""
        return self.service.home

    @property
    def recordings_dir(self) -> Path:
        """Where wrapped recordings are kept."""
        return self.recordings.dir or self.home / "recordings"

    @property
    def database_url(self) -> str:
        """The SQLAlchemy async url in force."""
        return self.database.url or f"sqlite+aiosqlite:///{self.home / 'dialer.db'}"

    def node(self, name: str) -> NodeConfig:
        """Return a node by name; raise ConfigError naming the known ones."""
        return named(self.nodes, name, "node")

    def trunk(self, name: str) -> TrunkConfig:
        """Return a trunk by name; raise ConfigError naming the known ones."""
        return named(self.trunks, name, "trunk")


def load_config(path: Path) -> Config:
    """Read config.toml; relative paths count from the file's folder; DIALER_* variables win over the file.

    Not over a file whose [simulation] changes the time: what happens there belongs in its own state directory.
    Raises ConfigError naming the file and the key.
    """
    raw = read_toml(path, "name it with --config or DIALER_CONFIG; config.toml in the repository is the default one")
    raw.setdefault("service", {})  # so that its default home is counted from the file's folder as well
    if not _changes_time(raw):
        _heed_environment(raw)
    config = validated(Config, raw, path)
    urls = {"database": _with_url(config.database, path, "database"), "redis": _with_url(config.redis, path, "redis")}
    return config.model_copy(update=urls)


def _changes_time(raw: Mapping[str, Any]) -> bool:
    section = raw.get("simulation")
    return isinstance(section, dict) and "starts_at" in section


def _heed_environment(raw: dict[str, Any]) -> None:
    if home := os.environ.get("DIALER_HOME"):
        _override(raw, "service", "home", str(Path(home).resolve()))
    for table, variable in (("database", "DIALER_DATABASE_URL"), ("redis", "DIALER_REDIS_URL")):
        if url := os.environ.get(variable):
            _override(raw, table, "url", url, instead_of="url_file")


def _override(raw: dict[str, Any], table: str, key: str, value: str, *, instead_of: str = "") -> None:
    section = raw.get(table, {})
    if isinstance(section, dict):  # anything else is told when the file is validated
        raw[table] = {name: kept for name, kept in section.items() if name != instead_of} | {key: value}


def _with_url(section: Urls, path: Path, table: str) -> Urls:
    """Return the section with the url its file holds, so that nothing else need know where it came from."""
    if section.url_file is None:
        return section
    where = f"{path}: {table}.url_file: {section.url_file}"
    try:
        url = section.url_file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as exc:
        raise ConfigError(f"{where} cannot be read: {exc.strerror}; create it with the url as its only line") from exc
    except UnicodeDecodeError:
        url = ""
    if not url or any(ord(character) < 33 for character in url):
        raise ConfigError(f"{where} must hold one url and nothing else")
    return section.model_copy(update={"url": url})
