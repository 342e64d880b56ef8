"""A dialer of its own for one story, beside an Asterisk that many stories share; a story may break what it leans on."""

from __future__ import annotations

import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dialer.config import Config
from tests.lab.asterisk import AsteriskLab
from tests.lab.carrier import Carrier
from tests.lab.processes import eventually, free_port
from tests.lab.quick import QuickService
from tests.lab.witness import Witness


@dataclass(frozen=True, slots=True)
class Plant:
    """One Asterisk with a carrier and softphones for the whole module; every story gets a dialer of its own."""

    lab: AsteriskLab
    carrier: Carrier


@dataclass(frozen=True, slots=True)
class Dialer:
    """A running dialer, what its log and books say, and what the carrier saw of its calls."""

    service: QuickService
    witness: Witness
    carrier: Carrier

    def health(self) -> tuple[int, dict[str, Any]]:
        """Return the status of /healthz and its parts that do not work."""
        url = f"http://{self.service.config.service.metrics}/healthz"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                status, body = answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            with refusal:
                status, body = refusal.code, json.load(refusal)
        return status, {name: part["detail"] for name, part in body["parts"].items() if not part["ok"]}

    def ails(self, part: str, detail: str = "") -> None:
        """Wait until /healthz says 503 because of this part."""

        def told() -> bool:
            status, parts = self.health()
            return status == 503 and detail in parts.get(part, "\0")

        eventually(told, f"/healthz names {part}: {detail}", 20, self.service.engine.log)

    def recovers(self) -> None:
        """Wait until /healthz finds nothing wrong."""
        eventually(lambda: self.health() == (200, {}), "/healthz is well again", 30, self.service.engine.log)

    def does_not_dial(self, because: str, campaign: str = "mora") -> dict[str, Any]:
        """Wait until `campaign status` gives this as the reason; return the status."""

        def told() -> dict[str, Any] | None:
            status: dict[str, Any] = self.service.json("campaign", "status", campaign)
            reason = status["not_dialling_because"]
            return status if reason is not None and because in reason else None

        return eventually(told, f"the status says why nobody is called: {because}", 20, self.service.engine.log)

    def called(self, phones: list[str]) -> dict[str, int]:
        """Return how often each of these numbers was called."""
        seen = self.carrier.invites()
        return {phone: seen[phone] for phone in phones if phone in seen}

    def heard(self, what: str, phone: str) -> bool:
        return any(call.what == what and call.number == phone for call in self.carrier.calls())

    def said_goodbye(self, phones: list[str]) -> int:
        """Return how many of these debtors ended their conversations themselves."""
        return sum(1 for phone in phones if self.heard("BYE", phone))

    def ended(self, phones: list[str], timeout_s: float = 60) -> list[dict[str, Any]]:
        """Wait until every number has an attempt with an outcome in the report; return the report."""

        def found() -> list[dict[str, Any]]:
            rows = self.service.report("attempts")
            done = {row["phone"] for row in rows if row["outcome"]}
            return rows if done >= set(phones) and all(row["outcome"] for row in rows) else []

        return eventually(found, "every attempt ended", timeout_s, self.service.engine.log)


def installed(plant: Plant, work: Path, port: int | None = None, **tables: dict[str, Any]) -> QuickService:
    """Install a dialer beside the plant; `port` is where it finds Asterisk, `tables` change its config.toml."""
    home = work / "home"
    home.mkdir(mode=0o700)
    shutil.copy(plant.lab.config.home / "secrets.toml", home / "secrets.toml")
    raw = json.loads(plant.lab.config.model_dump_json(exclude_none=True))
    raw["service"] |= {"home": home, "metrics": f"127.0.0.1:{free_port()}"}
    raw["agents"] |= {"wrap_up_s": 0.2}
    raw["nodes"][0] |= {"port": port or plant.lab.node.port}
    for name, values in tables.items():
        raw[name] |= values
    return QuickService(Config.model_validate(raw), work)


@contextmanager
def dialer(plant: Plant, work: Path, port: int | None = None, **tables: dict[str, Any]) -> Iterator[Dialer]:
    """Run a dialer on the plant."""
    _hang_up(plant.lab)
    with installed(plant, work, port, **tables) as service:
        service.start()
        yield Dialer(service, Witness(service), plant.carrier)
        assert service.engine.alive
        assert "Traceback" not in service.engine.output


def _hang_up(lab: AsteriskLab) -> None:
    """End what the last story left in Asterisk: legs outlive the engine on purpose."""
    with lab.ami("actions", events=False) as ami:
        ami.action("Hangup", Channel="/^PJSIP/.*/")


def stocked(run: Dialer, phones: list[str], agents: int, **changes: Any) -> list[str]:
    """Create the campaign `mora` with these people and start it; add agents and return their names."""
    people = [(f"d{place}", phone, "alta") for place, phone in enumerate(phones)]
    run.service.campaign(people, **changes)
    names = run.service.agents(agents, "mora", log_in=False)
    run.witness.order("campaign.start", campaign="mora")
    return names


def seat(run: Dialer, agent: str) -> None:
    """Log an agent in, ready, as soon as the node is there."""
    run.witness.hears("node up")
    run.witness.order("agent.login", agent=agent, campaign="mora", node="", ready=True)
