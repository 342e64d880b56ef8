"""The text of a dialplan's argument: `${variables}`, `${FUNCTIONS()}` and `$[sums]` become plain text. Pure.

A text is compiled once into a function of a `Scope`; what stands between the brackets is filled in from the inside
out, as Asterisk does, so that `${IF($["${A}" = "1"]?x:y)}` is first a sum, then a function of its result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from dialer.types import DialerError


class DialplanError(DialerError):
    """The dialplan says something this node cannot do; the message names it."""

    error_id = "simulated-dialplan"


class Scope(Protocol):
    """What names mean on one channel."""

    def variable(self, name: str) -> str:
        """Return a variable, empty when unset."""
        ...

    def function(self, name: str, arguments: str) -> str:
        """Return the value of a dialplan function."""
        ...


Text = Callable[[Scope], str]
"""A compiled text."""

_OPENERS = {"${": "}", "$[": "]"}
_SUBSTRING = re.compile(r"(?P<name>[^:()]+|[^(]+\(.*\)):(?P<start>-?\d+)(?::(?P<length>-?\d+))?", re.DOTALL)
_FUNCTION = re.compile(r"(?P<name>[A-Za-z_]\w*)\((?P<arguments>.*)\)", re.DOTALL)


def compile_text(text: str) -> Text:
    """Return a function that fills the text in; raise DialplanError for a bracket that is never closed."""
    pieces = list(_pieces(text))
    if all(isinstance(piece, str) for piece in pieces):
        return lambda scope: text
    made = [_literal(piece) if isinstance(piece, str) else piece for piece in pieces]
    if len(made) == 1:
        return made[0]
    return lambda scope: "".join([piece(scope) for piece in made])


def _literal(text: str) -> Text:
    return lambda scope: text


def _pieces(text: str) -> Iterator[str | Text]:
    position = 0
    while (start := _next_opener(text, position)) >= 0:
        if start > position:
            yield text[position:start]
        end = _closing(text, start)
        inner = text[start + 2 : end]
        yield _sum(inner) if text[start + 1] == "[" else _lookup(inner)
        position = end + 1
    if position < len(text):
        yield text[position:]


def _next_opener(text: str, position: int) -> int:
    while (position := text.find("$", position)) >= 0:
        if text[position : position + 2] in _OPENERS:
            return position
        position += 1
    return -1


def _closing(text: str, start: int) -> int:
    opener, closer = text[start + 1], _OPENERS[text[start : start + 2]]
    depth = 0
    for position in range(start + 1, len(text)):
        if text[position] == opener:
            depth += 1
        elif text[position] == closer:
            depth -= 1
            if depth == 0:
                return position
    raise DialplanError(f"{text!r}: the bracket opened at {start} is never closed")


def _sum(inner: str) -> Text:
    fill = compile_text(inner)
    return lambda scope: calculate(fill(scope))


def _lookup(inner: str) -> Text:
    if "$" not in inner:
        return _reading(inner)
    function = _FUNCTION.fullmatch(inner)
    if function is not None:
        name, fill = function["name"], compile_text(function["arguments"])
        return lambda scope: scope.function(name, fill(scope))
    whole = compile_text(inner)
    return lambda scope: _reading(whole(scope))(scope)


@lru_cache(4096)
def _reading(name: str) -> Text:
    """Return how a finished name is read: a variable, a function, or a part of either."""
    part = _SUBSTRING.fullmatch(name)
    if part is not None:
        whole, start, length = _reading(part["name"]), int(part["start"]), part["length"]
        return lambda scope: _part(whole(scope), start, None if length is None else int(length))
    function = _FUNCTION.fullmatch(name)
    if function is not None:
        called, arguments = function["name"], function["arguments"]
        return lambda scope: scope.function(called, arguments)
    return lambda scope: scope.variable(name)


def _part(value: str, start: int, length: int | None) -> str:
    rest = value[start:] if start >= 0 or -start <= len(value) else value
    return rest if length is None else rest[:length]


def truth(text: str) -> bool:
    """Tell whether a condition holds: a number other than 0, or any other text that is not empty."""
    word = text.strip()
    leading = re.match(r"[+-]?\d+", word)
    return int(leading[0]) != 0 if leading else bool(word)


_TOKEN = re.compile(
    r'\s*(?:"(?P<quoted>[^"]*)"|(?P<sign><=|>=|!=|==|[|&=<>+\-*/%!()])|(?P<word>[^\s"|&=<>+\-*/%!()]+))'
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LEVELS = (("|",), ("&",), ("=", "==", "!=", "<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


@dataclass(frozen=True, slots=True)
class _Sign:
    """An operator or bracket, told apart from a quoted text of the same letters."""

    text: str


@lru_cache(4096)
def calculate(text: str) -> str:
    """Return the value of what stands in `$[...]`; raise DialplanError when it is no expression."""
    tokens = list(_tokens(text))
    if not tokens:
        return ""
    value, position = _level(tokens, 0, 0, text)
    if position != len(tokens):
        raise _unreadable(text)
    return value


def _tokens(text: str) -> Iterator[str | _Sign]:
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unreadable(text)
        position = match.end()
        if match["sign"] is not None:
            yield _Sign(match["sign"])
        else:
            yield match["quoted"] if match["quoted"] is not None else match["word"]


def _unreadable(text: str) -> DialplanError:
    return DialplanError(f"$[{text}]: this expression cannot be read")


def _level(tokens: list[str | _Sign], position: int, level: int, text: str) -> tuple[str, int]:
    if level == len(_LEVELS):
        return _operand(tokens, position, text)
    left, position = _level(tokens, position, level + 1, text)
    while position < len(tokens):
        sign = tokens[position]
        if not isinstance(sign, _Sign) or sign.text not in _LEVELS[level]:
            break
        right, position = _level(tokens, position + 1, level + 1, text)
        left = _combined(left, sign.text, right)
    return left, position


def _operand(tokens: list[str | _Sign], position: int, text: str) -> tuple[str, int]:
    if position >= len(tokens):
        raise _unreadable(text)
    token = tokens[position]
    if isinstance(token, str):
        return token, position + 1
    if token.text == "(":
        value, position = _level(tokens, position + 1, 0, text)
        if position >= len(tokens) or tokens[position] != _Sign(")"):
            raise _unreadable(text)
        return value, position + 1
    if token.text not in ("-", "!"):
        raise _unreadable(text)
    value, position = _operand(tokens, position + 1, text)
    return (str(int(not _holds(value))) if token.text == "!" else _arithmetic("0", "-", value)), position


def _holds(value: str) -> bool:
    return value not in ("", "0") and not (_NUMBER.fullmatch(value) and float(value) == 0)


def _combined(left: str, sign: str, right: str) -> str:
    if sign == "|":
        return left if _holds(left) else (right if right != "" else "0")
    if sign == "&":
        return left if _holds(left) and _holds(right) else "0"
    if sign in _LEVELS[2]:
        return str(int(_compared(left, sign, right)))
    return _arithmetic(left, sign, right)


def _compared(left: str, sign: str, right: str) -> bool:
    both = _number(left), _number(right)
    a, b = both if both[0] is not None and both[1] is not None else (left, right)
    order = (a > b) - (a < b)  # type: ignore[operator] # both are numbers or both are texts
    return {"<": order < 0, ">": order > 0, "<=": order <= 0, ">=": order >= 0, "!=": order != 0}.get(sign, order == 0)


def _number(text: str) -> int | float | None:
    if not _NUMBER.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _arithmetic(left: str, sign: str, right: str) -> str:
    """Asterisk takes what is no number for 0, and what is divided by 0 too."""
    a, b = _number(left), _number(right)
    if a is None or b is None:
        return "0"
    match sign:
        case "+":
            value: int | float = a + b
        case "-":
            value = a - b
        case "*":
            value = a * b
        case _ if b == 0:
            return "0"
        case "%":
            value = abs(int(a)) % abs(int(b)) * (1 if a >= 0 else -1) if int(b) else 0
        case _:
            value = a // b if isinstance(a, int) and isinstance(b, int) and a % b == 0 else a / b
    return str(int(value)) if value == int(value) else f"{value:.15g}"
