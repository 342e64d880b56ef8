"""What the demo came to: counted in the books after the last call, told as text or as JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import soundfile
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from sqlalchemy import Text as SqlText
from sqlalchemy import cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from campaigns.models import Attempt
from dialer.demo.settings import Tongue
from dialer.demo.sight import LIMIT, Books
from dialer.demo.words import WORDS, number, percent
from dialer.types import LIVE_OUTCOMES, Outcome
from recordings.models import Recording, RecordingState

PROMISE = "promise_to_pay"
_LATE_JOIN = "late_join"
_OPEN = "open"
"""An attempt whose end the books do not know; there is none unless something was killed."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Where everything is, and the command that asks about it."""

    database: Path
    recordings: Path
    logs: Path
    config: Path
    command: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the books say.

    Every live answer is one of these: `bridged` in time, `abandoned` (met no agent in time, those joined too late
    among them), or hung up at once by the debtor.
    """

    outcomes: Mapping[str, int] = field(default_factory=dict)
    late_joins: int = 0
    talked_s: float = 0.0
    dispositions: Mapping[str, int] = field(default_factory=dict)
    recordings: int = 0

    @property
    def attempts(self) -> int:
        """Calls placed."""
        return sum(self.outcomes.values())

    @property
    def live(self) -> int:
        """Calls that a person answered."""
        return sum(self.outcomes.get(outcome.value, 0) for outcome in LIVE_OUTCOMES)

    @property
    def conversations(self) -> int:
        """Calls in which debtor and agent spoke, however late."""
        return self.outcomes.get(Outcome.ANSWERED.value, 0)

    @property
    def bridged(self) -> int:
        """Conversations that began in time."""
        return self.conversations - self.late_joins

    @property
    def abandoned(self) -> int:
        """Live answers that met no agent in time."""
        return self.outcomes.get(Outcome.ABANDONED.value, 0) + self.late_joins

    @property
    def abandonment_rate(self) -> float:
        """The share of live answers that were abandoned; 0 without any."""
        return self.abandoned / self.live if self.live else 0.0

    @property
    def mean_talk_s(self) -> float:
        """Business seconds of a conversation on average; 0 without any."""
        return self.talked_s / self.conversations if self.conversations else 0.0


@dataclass(frozen=True, slots=True)
class Report:
    """One performance: the books, the agents' hours as the engine counted them, and how long it took."""

    told: Told
    utilisation: float | None
    idle_wait_s: float | None
    seconds: float
    speed: float
    interrupted: bool
    paths: Paths
    limit: float = LIMIT

    def as_json(self) -> dict[str, Any]:
        """Return the report for programs."""
        told, paths = self.told, self.paths
        return {
            "attempts": told.attempts,
            "outcomes": dict(told.outcomes),
            "live_answers": told.live,
            "bridged": told.bridged,
            "abandoned": told.abandoned,
            "late_joins": told.late_joins,
            "early_hangups": told.outcomes.get(Outcome.EARLY_HANGUP.value, 0),
            "abandonment_rate": round(told.abandonment_rate, 4),
            "abandonment_limit": self.limit,
            "utilisation": self.utilisation,
            "mean_idle_wait_s": self.idle_wait_s,
            "conversations": told.conversations,
            "mean_talk_s": round(told.mean_talk_s, 1),
            "promises": told.dispositions.get(PROMISE, 0),
            "dispositions": dict(told.dispositions),
            "recordings": told.recordings,
            "seconds": round(self.seconds, 1),
            "speed": self.speed,
            "interrupted": self.interrupted,
            "database": str(paths.database),
            "recordings_dir": str(paths.recordings),
            "logs": str(paths.logs),
            "config": str(paths.config),
        }


async def so_far(session: AsyncSession) -> Books:
    """Return how the attempts ended so far, for the screen."""
    query = select(Attempt.outcome, func.count()).where(Attempt.outcome.is_not(None)).group_by(Attempt.outcome)
    outcomes = {str(outcome): int(count) for outcome, count in await session.execute(query)}
    promises = await session.scalar(select(func.count()).where(Attempt.disposition == PROMISE))
    return Books(outcomes, int(promises or 0))


async def told(session: AsyncSession) -> Told:
    """Return all that the books say, and how many recordings are there and can be played."""
    late = cast(Attempt.flags, SqlText).like(f"%{_LATE_JOIN}%")
    columns = (Attempt.outcome, Attempt.disposition, Attempt.bridged_at, Attempt.ended_at, late)
    outcomes, dispositions = Counter[str](), Counter[str]()
    late_joins, talked_s = 0, 0.0
    for outcome, disposition, bridged_at, ended_at, was_late in await session.execute(select(*columns)):
        outcomes[str(outcome or _OPEN)] += 1
        if disposition:
            dispositions[disposition] += 1
        if outcome == Outcome.ANSWERED.value and bridged_at and ended_at:
            talked_s += (ended_at - bridged_at).total_seconds()
            late_joins += bool(was_late)
    kept = select(Recording.path).where(Recording.state == RecordingState.STORED.value)
    paths = [Path(path) for path in await session.scalars(kept) if path]
    by_count = dict(sorted(outcomes.items(), key=lambda item: (-item[1], item[0])))
    return Told(by_count, late_joins, talked_s, dict(sorted(dispositions.items())), playable(paths))


def playable(paths: Sequence[Path]) -> int:
    """Return how many of these files are there and hold sound."""
    count = 0
    for path in paths:
        try:
            count += soundfile.info(str(path)).frames > 0
        except (OSError, soundfile.LibsndfileError):
            continue  # not counted is how it is told: the report says how many can be played
    return count


def near(path: Path, here: Path) -> str:
    """Return a path as one would type it here."""
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def final(report: Report, language: Tongue, here: Path) -> RenderableType:
    """Return the last screen, with paths as seen from `here`."""
    words, told_, paths = WORDS[language], report.told, report.paths
    head = words["interrupted" if report.interrupted else "report"]
    minutes = report.seconds * report.speed / 60
    title = head.format(seconds=report.seconds, minutes=minutes, speed=report.speed)
    places = Table.grid(padding=(0, 2))
    for name, path in (("database", paths.database), ("recording_files", paths.recordings), ("logs", paths.logs)):
        places.add_row(words[name], Text(near(path, here), overflow="fold"))
    body = Group(_numbers(report, language), "", places, "", words["further"], *_commands(paths, told_))
    return Panel(body, title=title, border_style="green", padding=(1, 2))


def _numbers(report: Report, language: Tongue) -> Table:
    words, told_ = WORDS[language], report.told
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column(justify="right", style="bold")
    table.add_column(style="bright_black")
    table.add_row(words["attempts"], number(told_.attempts, 0, language), "")
    for name, count in told_.outcomes.items():
        share = percent(count / told_.attempts, language)
        table.add_row(f"  {words.get(name, name)}", number(count, 0, language), share)
    mean = words["mean_talk"].format(seconds=told_.mean_talk_s)
    table.add_row(words["conversations"], str(told_.conversations), mean)
    table.add_row(words["utilisation"], percent(report.utilisation, language), "")
    wait = "-" if report.idle_wait_s is None else f"{number(report.idle_wait_s, 1, language)} s"
    table.add_row(words["idle_wait"], wait, "")
    lost = words["of_live"].format(abandoned=told_.abandoned, live=told_.live, limit=percent(report.limit, language, 0))
    table.add_row(words["abandonment"], percent(told_.abandonment_rate, language), lost)
    table.add_row(words["promises"], str(told_.dispositions.get(PROMISE, 0)), "")
    table.add_row(words["recordings"], str(told_.recordings), "")
    return table


def _commands(paths: Paths, told_: Told) -> list[Text]:
    asks = ("report outcomes", "report agents", "report attempts --format csv", "campaign status")
    return [Text(f"  {paths.command} {ask}", "cyan", overflow="fold") for ask in asks if told_.attempts]
