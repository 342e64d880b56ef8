"""`dialer doctor --call`: one call to a phone that a person typed, told step by step; ordered once, never again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import phonenumbers

from dialer.ami import actions
from dialer.ami.config import load_secrets
from dialer.ami.config.dialplan import MESSAGE_CAP_S, spoken_language
from dialer.ami.messages import Event, parse_event
from dialer.ami.session import Session
from dialer.ami.wire import Action, Message
from dialer.config import Config, TrunkConfig
from dialer.doctor.check import Status
from dialer.doctor.folder_probe import only_about
from dialer.doctor.line import ADMIN, ANSWER_S, logged_in
from dialer.doctor.story import EVENTS, Step, Story
from dialer.types import Clock, ConfigError, InputError, Unavailable, trial_call_id

CONTEXT = "dialer-test"
MARGIN_S = 10.0

Tell = Callable[[Step], None]


@dataclass(frozen=True, slots=True)
class Trial:
    """A test call that is over: `ok` when the phone rang, was answered and heard the whole message."""

    call_id: str
    number: str
    trunk: str
    ok: bool
    outcome: str
    total_s: float
    steps: tuple[Step, ...]


def own_phone(text: str) -> str:
    """Return the number in E.164; raises InputError for anything that is not exactly that and valid."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        number = None
    if number is None or not phonenumbers.is_valid_number(number):
        raise InputError(f"{text!r} is not a phone number in full international form such as +541150000000")
    written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if written != text:
        raise InputError(f"{text!r} can be read as {written}: type it so if you mean it")
    return written


def trunk_for(config: Config, name: str) -> TrunkConfig:
    """Return the trunk of this name, or the first one; raises ConfigError when there is none."""
    if not name and not config.trunks:
        raise ConfigError("config.toml: trunks: there is no [[trunks]] table, so nobody can be called")
    return config.trunk(name) if name else config.trunks[0]


async def place(config: Config, trunk: TrunkConfig, number: str, clock: Clock, tell: Tell) -> Trial:
    """Call `number` through `trunk` and `tell` every step as it happens; returns when the call is over.

    Raises ConfigError without secrets, LoginRefused and Unavailable when the node cannot be asked. An interruption
    hangs up.
    """
    node, secrets = config.node(trunk.node), load_secrets(config)
    call = _Call(Story(trial_call_id(number, clock.now()), trunk.name), clock, tell)
    secret = secrets.node(node.name).admin
    async with logged_in(node, ADMIN, secret, events=EVENTS, hear=call.hear) as line:
        await only_about(line, call.story.call_id)
        await call.run(line, _order(config, trunk, number, call.story.call_id), _longest_s(config))
        call.look_for(node.recordings_dir / f"{call.story.call_id}.wav")
    story = call.story
    ok = all(step.status is Status.OK for step in story.steps)
    return Trial(story.call_id, number, trunk.name, ok, str(story.outcome), call.at_s, tuple(story.steps))


class _Call:
    """The call while it lasts."""

    def __init__(self, story: Story, clock: Clock, tell: Tell) -> None:
        self.story = story
        self._clock = clock
        self._tell = tell
        self._ordered = clock.monotonic()
        self._early: list[Event] | None = []
        self._over = asyncio.Event()

    @property
    def at_s(self) -> float:
        """Seconds since the order."""
        return round(self._clock.monotonic() - self._ordered, 3)

    def hear(self, message: Message) -> None:
        """Take one event; what comes in the same breath as the answer to the order is told after it."""
        event = parse_event(message)
        if event is None:
            return
        if self._early is not None:
            self._early.append(event)
        else:
            self._follow(event)

    def _follow(self, event: Event) -> None:
        for step in self.story.hear(event, self.at_s):
            self._tell(step)
        if self.story.over:
            self._over.set()

    async def run(self, line: Session, order: Action, longest_s: float) -> None:
        self._ordered = self._clock.monotonic()
        answer = await line.ask(order, ANSWER_S)
        if not answer.success:
            raise Unavailable(f"Asterisk refuses the order: {answer.text}; render manager.conf again and restart it")
        self._note("order", Status.OK, "accepted by Asterisk")
        early, self._early = self._early or [], None
        for event in early:
            self._follow(event)
        try:
            await self._until_over(line, longest_s)
        except asyncio.CancelledError:
            await line.ask(actions.hangup(self.story.call_id), ANSWER_S)
            raise

    def look_for(self, recording: Path) -> None:
        """Say where the recording can be listened to, as this machine sees it."""
        if recording.exists():
            self._note("listen", Status.OK, str(recording))
        elif self.story.played:
            remedy = "see 'recording folder' in 'dialer doctor'"
            self._note("listen", Status.FAILED, f"{recording} is not there", remedy)

    async def _until_over(self, line: Session, longest_s: float) -> None:
        try:
            async with asyncio.timeout(longest_s), asyncio.TaskGroup() as group:
                lost = group.create_task(line.lost())
                lost.add_done_callback(lambda _: self._over.set())
                await self._over.wait()
                lost.cancel()
        except TimeoutError:
            await line.ask(actions.hangup(self.story.call_id), ANSWER_S)
            self._note("end", Status.FAILED, f"no end within {longest_s:g} s; hung up", "see Asterisk's log")
            return
        if not self.story.over:
            remedy = "the call goes on and ends by itself; it is not placed again"
            self._note("end", Status.FAILED, "the connection to Asterisk was lost", remedy)

    def _note(self, what: str, status: Status, detail: str, remedy: str = "") -> None:
        self._tell(self.story.note(Step(self.at_s, what, status, detail, remedy)))


def _longest_s(config: Config) -> float:
    return config.dialing.ring_timeout_s + config.dialing.setup_s + MESSAGE_CAP_S + MARGIN_S


def _order(config: Config, trunk: TrunkConfig, number: str, call_id: str) -> Action:
    dialing = config.dialing
    return actions.originate(
        call_id,
        trunk.dial_string(number),
        context=CONTEXT,
        timeout_ms=round((dialing.ring_timeout_s + dialing.setup_s) * 1000),
        caller_id=f'"{trunk.caller_name}" <{trunk.caller_id}>',
        variables={"DIALER_LANG": spoken_language(number)},
    )
