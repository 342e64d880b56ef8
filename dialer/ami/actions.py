"""Every order the dialer gives Asterisk, each built in one place so that its dangers are met once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import md5

from dialer.ami.wire import Action, AmiFieldError

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def login(user: str, secret: str, *, events: bool) -> Action:
    """Log in with the secret in clear: for TLS, where nobody else reads it."""
    return Action("Login", (("Username", user), ("Secret", secret), ("Events", _switch(events))))


def challenge() -> Action:
    """Ask for the number that `login_md5` answers."""
    return Action("Challenge", (("AuthType", "MD5"),))


def login_md5(user: str, secret: str, number: str, *, events: bool) -> Action:
    """Log in by answering a challenge, so that the secret does not cross the wire."""
    # The protocol prescribes MD5; it only keeps the secret off an unencrypted wire.
    key = md5(f"{number}{secret}".encode(), usedforsecurity=False).hexdigest()
    fields = (("AuthType", "MD5"), ("Username", user), ("Key", key), ("Events", _switch(events)))
    return Action("Login", fields)


def originate(
    call_id: str,
    channel: str,
    *,
    context: str,
    timeout_ms: int,
    caller_id: str = "",
    variables: Mapping[str, str] | None = None,
) -> Action:
    """Place a call whose channel id is `call_id` and which enters `context,s,1` when answered.

    Always Async, because a synchronous one holds the whole session; never EarlyMedia, because a 183 would then
    count as an answer. `caller_id` is `"Name" <number>` or a number; `timeout_ms` counts from now, not from the ring.
    """
    fields = [
        ("Channel", channel),
        ("ChannelId", call_id),
        ("Context", context),
        ("Exten", "s"),
        ("Priority", "1"),
        ("Timeout", str(timeout_ms)),
        ("Async", "true"),
    ]
    if caller_id:
        fields.append(("CallerID", caller_id))
    fields += [("Variable", _assignment(name, value)) for name, value in (variables or {}).items()]
    return Action("Originate", tuple(fields))


def redirect(channel: str, context: str, exten: str = "s") -> Action:
    """Send a channel (name or id) to a place in the dialplan, at priority 1."""
    return Action("Redirect", (("Channel", channel), ("Context", context), ("Exten", exten), ("Priority", "1")))


def setvar(channel: str, name: str, value: str) -> Action:
    """Set a variable of a channel (name or id)."""
    if not channel or not _VARIABLE.fullmatch(name):
        # Without a channel Asterisk sets a global; NAME(...) would call a dialplan function.
        raise AmiFieldError(f"Setvar: channel {channel!r}, variable {name!r}: both must be plain names")
    return Action("Setvar", (("Channel", channel), ("Variable", name), ("Value", value)))


def hangup(channel: str, cause: int = 16) -> Action:
    """End a channel (name or id) with a Q.850 cause; 16 is normal clearing."""
    if channel.startswith("/"):
        # Asterisk takes /text/ as a regular expression over all channels.
        raise AmiFieldError(f"Hangup: Channel {channel!r} would be read as a pattern; give one channel's name or id")
    return Action("Hangup", (("Channel", channel), ("Cause", str(cause))))


def bridge(first: str, second: str, *, tone: str = "no") -> Action:
    """Join two channels; `tone` says who hears a beep: no, channel1, channel2 or both."""
    return Action("Bridge", (("Channel1", first), ("Channel2", second), ("Tone", tone)))


def mixmonitor(channel: str, file: str, options: str = "D") -> Action:
    """Record a channel to a file; D interleaves both directions and needs a `.raw` name."""
    return Action("MixMonitor", (("Channel", channel), ("File", file), ("options", options)))


def stop_mixmonitor(channel: str) -> Action:
    """End the recording of a channel."""
    return Action("StopMixMonitor", (("Channel", channel),))


def ping() -> Action:
    """Ask for a sign of life; the answer carries the node's time."""
    return Action("Ping")


def core_status() -> Action:
    """Ask when this Asterisk was started."""
    return Action("CoreStatus")


def core_settings() -> Action:
    """Ask for version and system name."""
    return Action("CoreSettings")


def core_show_channels() -> Action:
    """Ask for every channel; a list."""
    return Action("CoreShowChannels")


def pjsip_show_contacts() -> Action:
    """Ask for every registered contact; a list, or an error when there is none."""
    return Action("PJSIPShowContacts")


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _assignment(name: str, value: str) -> str:
    # Asterisk splits a Variable header at commas and unquotes it: such a value could set other variables.
    if not _VARIABLE.fullmatch(name) or set(value) & set(',"\\'):
        raise AmiFieldError(f"Originate: Variable {name}={value!r} may hold no comma, quote or backslash")
    return f"{name}={value}"
