"""What the demo writes before it begins: its own config.toml, campaign and list, as a user would."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

from dialer.campaign_file import PacingConfig
from dialer.demo.people import ZONE, as_list, debtors
from dialer.demo.place import CONFIG
from dialer.demo.settings import AGENTS, DEBTORS, SEED, Settings

CAMPAIGN = "demo"
NODE = "simulado"
TUESDAY_AT_TEN = datetime(2026, 3, 3, 10, 0, tzinfo=ZoneInfo(ZONE))
"""When the debtors' clock starts."""

FIRST_EXTENSION = 1001
BEST_MODES = ("predictive", "ratio")

_CONFIG = """\
# Written by `dialer demo` for one performance, and emptied by the next. Every key: config.toml of the repository.

[service]
home = "."
metrics = ""

[agency]
name = "Estudio Demo"

[agents]
first_extension = {first_extension}
extensions = {agents}
wrap_up_s = 120.0

[recordings]
min_free_mb = 200

# Time on the simulated Asterisk. Only a simulated one is ever called with it.
[simulation]
speed = {speed}
starts_at = {starts_at}
anchor = {anchor}

[[nodes]]
name = "{node}"
host = "127.0.0.1"
port = {port}
calls_per_s = 100.0
channels = 500
recordings_dir = "asterisk/spool"
evidence_file = "asterisk/cel-custom/dialer.csv"

[[trunks]]
name = "operador"
node = "{node}"
host = "127.0.0.1"
caller_id = "+541150000000"
calls_per_s = 50.0
channels = 300
"""

_KNOBS = {
    "predictive": "# So small a campaign has little to spare.\nexpected_live_answers = 200\n",
    "ratio": "lines_per_agent = 2.2\nmax_lines_per_agent = 3.0\n",
}

_CAMPAIGN = """\
# Three segments of one list; every key: examples/campaign.toml of the repository.
name = "{name}"
language = "es"
country = "AR"
time_zone = "{zone}"
windows = ["mon-fri 09:00-20:00", "sat 10:00-13:00"]
# Stands in for the law of the country: on the simulated Asterisk, where nobody real is called, and nowhere else.
profile = "demo"
trunks = ["operador"]
max_lines = 200
amd = true
recording = true
recording_notice = true

[pacing]
mode = "{mode}"
{knobs}
[retries.busy]
delay_m = 5
max_tries = 4
[retries.no_answer]
delay_m = 120
max_tries = 3

[[segments]]
name = "alta"
priority = 300
skills = {{ negociacion = 4 }}

[[segments]]
name = "media"
priority = 200
skills = {{ negociacion = 2 }}

[[segments]]
name = "baja"
priority = 100
"""


@dataclass(frozen=True, slots=True)
class Laid:
    """The files of one performance."""

    config: Path
    campaign: Path
    debtors: Path
    anchor: datetime


def lay(place: Path, played: Settings, port: int, anchor: datetime) -> Laid:
    """Write the files into the demo's place; business time starts at `anchor` of the machine's."""
    laid = Laid(place / CONFIG, place / "campaign.toml", place / "debtors.csv", anchor)
    laid.config.write_text(config_text(played, port, anchor), encoding="utf-8")
    laid.campaign.write_text(campaign_text(best_mode()), encoding="utf-8")
    laid.debtors.write_text(as_list(debtors(DEBTORS, SEED)), encoding="utf-8")
    (place / "asterisk" / "spool").mkdir(parents=True)
    return laid


def config_text(played: Settings, port: int, anchor: datetime) -> str:
    """Return the demo's config.toml."""
    return _CONFIG.format(
        first_extension=FIRST_EXTENSION,
        agents=AGENTS,
        speed=played.speed,
        starts_at=TUESDAY_AT_TEN.isoformat(),
        anchor=anchor.astimezone(UTC).isoformat(),
        node=NODE,
        port=port,
    )


def campaign_text(mode: str) -> str:
    """Return the demo's campaign file."""
    return _CAMPAIGN.format(name=CAMPAIGN, zone=ZONE, mode=mode, knobs=_KNOBS.get(mode, ""))


def best_mode() -> str:
    """Return the best pacing mode a campaign may ask for."""
    known = get_args(PacingConfig.model_fields["mode"].annotation)
    return next(mode for mode in BEST_MODES if mode in known)


def staff() -> list[tuple[str, int, dict[str, int]]]:
    """Return the agents: name, softphone, skills. One in three negotiates well."""
    return [
        (f"agente{number:02d}", FIRST_EXTENSION + number - 1, {"negociacion": 4 if number % 3 == 0 else 2})
        for number in range(1, AGENTS + 1)
    ]
