"""config.toml and campaign files as frozen, validated objects; every error names the file and the key."""

from __future__ import annotations

import os
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from dialer.types import ConfigError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Language = Literal["es", "en", "pt"]
_WINDOW = re.compile(r"^(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? (?P<open>\d\d:\d\d)-(?P<close>\d\d:\d\d)$")


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


Slug = Annotated[str, AfterValidator(_slug)]
Zone = Annotated[str, AfterValidator(_zone)]
E164 = Annotated[str, AfterValidator(_e164)]
Safe = Annotated[str, AfterValidator(_header_safe)]


class Section(BaseModel):
    """A table of a TOML file: unknown keys are errors, values cannot change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceConfig(Section):
    """Where the service keeps its state and what it serves."""

    home: Path = Path("./var")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    metrics: str = "127.0.0.1:9300"


class DatabaseConfig(Section):
    """The SQL store; an empty url means SQLite in the state directory."""

    url: str = ""
    timeout_s: float = Field(5.0, gt=0, le=60)


class RedisConfig(Section):
    """The queues; an empty url means a private redis-server in the state directory."""

    url: str = ""
    timeout_s: float = Field(2.0, gt=0, le=30)


class AgencyConfig(Section):
    """Who calls: spoken in the abandonment message and shown to nobody else."""

    name: Safe = "Agencia"
    callback_number: E164 = "+541150000000"
    hours: Safe = "lunes a viernes de 9 a 18 horas"


class NodeConfig(Section):
    """One Asterisk: how to reach its manager interface and its files."""

    name: Slug
    host: Safe = "127.0.0.1"
    port: int = Field(5038, ge=1, le=65535)
    tls: bool = False
    tls_ca: Path | None = None
    calls_per_s: float = Field(50.0, gt=0, le=1000)
    channels: int = Field(1500, ge=1)
    recordings_inside: str = "/var/spool/asterisk/dialer"
    recordings_dir: Path = Path("/var/spool/asterisk/dialer")
    evidence_file: Path = Path("/var/log/asterisk/cel-custom/dialer.csv")
    sip_bind: Safe = "0.0.0.0:5060"
    ami_bind: Safe = "127.0.0.1"
    rtp_first: int = Field(10000, ge=1024, le=65534)
    rtp_last: int = Field(20000, ge=1025, le=65535)
    directories: str = ""


class TrunkConfig(Section):
    """One carrier: where calls go out, how fast, how many, and the caller id they show."""

    name: Slug
    node: Slug
    host: Safe
    port: int = Field(5060, ge=1, le=65535)
    transport: Literal["udp", "tcp", "tls"] = "udp"
    auth: Literal["ip", "digest", "register"] = "ip"
    username: Safe = ""
    password_env: str = ""
    password_file: Path | None = None
    caller_id: E164
    caller_name: Safe = ""
    number_format: Literal["e164", "digits"] = "e164"
    prefix: Annotated[str, Field(pattern=r"^[0-9#*]{0,8}$")] = ""
    calls_per_s: float = Field(5.0, gt=0, le=1000)
    channels: int = Field(30, ge=1)
    codecs: Annotated[str, Field(pattern=r"^[a-z0-9]+(,[a-z0-9]+)*$")] = "alaw,ulaw"
    qualify_s: float = Field(30.0, ge=0)

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

    first_extension: int = Field(1001, ge=100, le=99999)
    extensions: int = Field(25, ge=0, le=2000)
    wrap_up_s: float = Field(30.0, ge=0, le=3600)
    login_timeout_s: float = Field(30.0, gt=0, le=120)
    codecs: Annotated[str, Field(pattern=r"^[a-z0-9]+(,[a-z0-9]+)*$")] = "alaw,ulaw"
    qualify_frequency_s: int = Field(1, ge=1, le=60)
    qualify_timeout_s: float = Field(0.8, gt=0, le=10)


class DialingConfig(Section):
    """The life of one call, in seconds; legal minima are not knobs to be tuned away."""

    ring_timeout_s: float = Field(28.0, ge=15, le=60)
    setup_s: float = Field(4.0, ge=1, le=30)
    min_ring_s: float = Field(15.0, ge=15, le=60)
    connect_within_s: float = Field(2.0, gt=0, le=2.0)
    amd_cap_s: float = Field(1.2, gt=0.3, le=1.2)
    dead_leg_s: float = Field(3.0, ge=0, le=10)
    max_lines: int = Field(1000, ge=1)
    lease_s: float = Field(120.0, ge=30)

    @model_validator(mode="after")
    def _ring_long_enough(self) -> Self:
        if self.ring_timeout_s < self.min_ring_s:
            raise ValueError(f"ring_timeout_s {self.ring_timeout_s} is below min_ring_s {self.min_ring_s}")
        return self


class AmiConfig(Section):
    """Deadlines of the call plane and the limits at which new calls stop."""

    action_timeout_s: float = Field(3.0, gt=0, le=30)
    ping_s: float = Field(1.0, gt=0, le=30)
    ping_timeout_s: float = Field(2.0, gt=0, le=30)
    backoff_first_s: float = Field(0.1, gt=0)
    backoff_last_s: float = Field(5.0, gt=0)
    shed_event_lag_s: float = Field(0.5, gt=0)
    shed_ack_p99_s: float = Field(0.25, gt=0)
    shed_outstanding: int = Field(1500, ge=1)


class RecordingsConfig(Section):
    """Where finished recordings go and in which form."""

    dir: Path | None = None
    format: Literal["flac", "wav"] = "flac"
    min_free_mb: int = Field(500, ge=0)


class MenuConfig(Section):
    """The abandoned-call menu (FastAGI)."""

    host: Safe = "127.0.0.1"
    port: int = Field(4573, ge=1, le=65535)
    max_sessions: int = Field(50, ge=1)


class PromptsConfig(Section):
    """Own audio instead of the spoken one: <dir>/<language>/<prompt>.wav, 8 kHz mono 16 bit."""

    dir: Path | None = None


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

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        nodes = [node.name for node in self.nodes]
        trunks = [trunk.name for trunk in self.trunks]
        if twice := {name for name in nodes if nodes.count(name) > 1} | {n for n in trunks if trunks.count(n) > 1}:
            raise ValueError(f"names used twice: {', '.join(sorted(twice))}")
        for trunk in self.trunks:
            if trunk.node not in nodes:
                raise ValueError(f"trunk {trunk.name!r} names node {trunk.node!r}; known nodes: {nodes}")
        return self

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
        return _named(self.nodes, name, "node")

    def trunk(self, name: str) -> TrunkConfig:
        """Return a trunk by name; raise ConfigError naming the known ones."""
        return _named(self.trunks, name, "trunk")


class Window(Section):
    """A weekly opening in the debtor's local time, half-open: `mon-fri 09:00-19:00`."""

    days: frozenset[int]
    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> Window:
        """Read one window line; raise ValueError with the expected form."""
        match = _WINDOW.match(text)
        if match is None or match["first"] not in DAYS or (match["last"] or "mon") not in DAYS:
            raise ValueError(f"{text!r} is not a window such as 'mon-fri 09:00-19:00'")
        first = DAYS.index(match["first"])
        last = DAYS.index(match["last"]) if match["last"] else first
        opens, closes = time.fromisoformat(match["open"]), time.fromisoformat(match["close"])
        if first > last or opens >= closes:
            raise ValueError(f"{text!r} ends before it begins")
        return cls(days=frozenset(range(first, last + 1)), opens=opens, closes=closes)


def _window_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    if not lines:
        raise ValueError("give at least one window such as 'mon-fri 09:00-19:00'; without one nobody may be called")
    for line in lines:
        Window.parse(line)
    return lines


class PacingConfig(Section):
    """How many calls to place; predictive arrives with the pacing engine."""

    mode: Literal["progressive", "ratio"] = "progressive"
    lines_per_agent: float = Field(1.5, ge=1, le=10)
    max_lines_per_agent: float = Field(3.0, ge=1, le=50)
    max_calls_per_s: float = Field(50.0, gt=0)


class RetryRule(Section):
    """After this outcome: call again after `delay_m` minutes, at most `max_tries` tries ending so."""

    delay_m: float = Field(gt=0)
    max_tries: int = Field(3, ge=1)


class SegmentConfig(Section):
    """One segment of a campaign: who is called first and which agent fits."""

    name: Slug
    priority: int = Field(100, ge=0, le=1000)
    language: Language | None = None
    skills: dict[Slug, Annotated[int, Field(ge=1, le=5)]] = {}


class CampaignConfig(Section):
    """A campaign file (campaigns as TOML)."""

    name: Slug
    language: Language = "es"
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    time_zone: Zone = ""
    windows: Annotated[tuple[str, ...], AfterValidator(_window_lines)]
    max_tries_per_phone_per_day: int = Field(3, ge=1, le=10)
    max_tries: int = Field(10, ge=1, le=99)
    trunks: Annotated[tuple[Slug, ...], Field(min_length=1)]
    max_lines: int = Field(500, ge=1)
    amd: bool = False
    recording: bool = True
    recording_notice: bool = True
    pacing: PacingConfig = PacingConfig()
    retries: dict[str, RetryRule] = {}
    segments: Annotated[tuple[SegmentConfig, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _segments_once(self) -> Self:
        names = [segment.name for segment in self.segments]
        if len(set(names)) != len(names):
            raise ValueError(f"segment names must differ: {names}")
        return self

    def segment(self, name: str) -> SegmentConfig:
        """Return a segment by name; raise ConfigError naming the known ones."""
        return _named(self.segments, name, "segment")


Model = TypeVar("Model", bound=Section)
Named = TypeVar("Named", NodeConfig, TrunkConfig, SegmentConfig)


def _named(items: tuple[Named, ...], name: str, kind: str) -> Named:
    for item in items:
        if item.name == name:
            return item
    raise ConfigError(f"unknown {kind} {name!r}; known: {', '.join(item.name for item in items) or 'none'}")


def load_config(path: Path) -> Config:
    """Read config.toml; relative paths count from the file's folder; DIALER_* variables win over the file.

    Raises ConfigError naming the file and the key.
    """
    raw = _read_toml(path)
    _override(raw, "service", "home", os.environ.get("DIALER_HOME"))
    _override(raw, "database", "url", os.environ.get("DIALER_DATABASE_URL"))
    _override(raw, "redis", "url", os.environ.get("DIALER_REDIS_URL"))
    config = _validated(Config, raw, path)
    base = Path.cwd() if "DIALER_HOME" in os.environ else path.resolve().parent
    home = (base / config.service.home).resolve()
    return config.model_copy(update={"service": config.service.model_copy(update={"home": home})})


def load_campaign(path: Path) -> CampaignConfig:
    """Read a campaign file; raises ConfigError naming the file and the key."""
    return _validated(CampaignConfig, _read_toml(path), path)


def parse_campaign(text: str, source: str) -> CampaignConfig:
    """Read a campaign kept as text (the database keeps the file as it was loaded)."""
    return _validated(CampaignConfig, tomllib.loads(text), Path(source))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; name it with --config or DIALER_CONFIG") from None
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path}: not valid TOML: {exc}") from exc


def _override(raw: dict[str, Any], table: str, key: str, value: str | None) -> None:
    if value:
        raw[table] = {**raw.get(table, {}), key: value}


def _validated(model: type[Model], raw: dict[str, Any], path: Path) -> Model:
    try:
        return model.model_validate(raw)
    except ValidationError as exc:
        lines = [f"{path}: {_key(error['loc'])}: {_reason(dict(error))}" for error in exc.errors()]
        raise ConfigError("\n".join(lines)) from exc


def _key(location: tuple[int | str, ...]) -> str:
    key = ""
    for part in location:
        key += f"[{part}]" if isinstance(part, int) else f".{part}" if key else part
    return key or "the file"


def _reason(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key; see config.toml in the repository for every key there is"
    if error["type"] == "missing":
        return "this key is required"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message if isinstance(error.get("input"), dict) else f"{message} (got {error.get('input')!r})"
