"""What Asterisk's brackets mean: variables, functions, parts of them, and sums."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.simulation.expressions import DialplanError, calculate, compile_text, truth


class Names:
    """Variables as given; a function returns its own name and arguments."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def variable(self, name: str) -> str:
        return self._values.get(name, "")

    def function(self, name: str, arguments: str) -> str:
        return f"<{name}|{arguments}>"


def filled(text: str, **values: str) -> str:
    return compile_text(text)(Names(values))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain, (text) $5", "plain, (text) $5"),
        ("${A}", "one"),
        ("x${A}y${B}z", "xoney2z"),
        ("${NOTHING}", ""),
        ("${${NAME}}", "one"),
        ("${A:1}", "ne"),
        ("${A:0:2}", "on"),
        ("${A:-2}", "ne"),
        ("${A:-9}", "one"),
        ("${F(a,b)}", "<F|a,b>"),
        ("${F(${A},${G(x)})}", "<F|one,<G|x>>"),
        ("${F(a):1:1}", "F"),
        ("$[${B} + 1]", "3"),
        ('${F($["${A}" = "one"]?yes:no)}', "<F|1?yes:no>"),
    ],
)
def test_a_text_is_filled_in_from_the_inside_out(text: str, value: str):
    assert filled(text, A="one", B="2", NAME="A") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ('"1" = "1"', "1"),
        ('"" = "1"', "0"),
        ('"a b" = "a b"', "1"),
        ("10 > 9", "1"),
        ("abc < abd", "1"),
        ("007 = 7", "1"),
        ('"x" != "x"', "0"),
        ("!0", "1"),
        ("! abc", "0"),
        ("0 | abc", "abc"),
        ("abc & 0", "0"),
        ("1 | 0 & 0", "1"),
        ("-3 + 5", "2"),
        ("7 / 2", "3.5"),
        ("6 / 2", "3"),
        ("7 % 4", "3"),
        ("1 / 0", "0"),
        ("abc + 1", "0"),
        ("(1 + 2) * 3", "9"),
        ('"(" = "("', "1"),
        ("1795373278 - 1795373277 < 1", "0"),
    ],
)
def test_a_sum_has_the_value_asterisk_gives_it(text: str, value: str):
    assert calculate(text) == value


@pytest.mark.parametrize("text", ["1 +", "(1", "1)", "= 1", '"open', "1 2"])
def test_what_is_no_sum_is_told(text: str):
    with pytest.raises(DialplanError, match="cannot be read"):
        calculate(text)


@pytest.mark.parametrize("text", ["${A", "$[1 + 1", "${F(${A)}"])
def test_a_bracket_that_is_never_closed_is_told(text: str):
    with pytest.raises(DialplanError, match="never closed"):
        compile_text(text)


@pytest.mark.parametrize(
    ("text", "holds"), [("", False), ("0", False), ("1", True), ("-1", True), ("no", True), ("0x", False)]
)
def test_a_condition_holds_unless_it_is_empty_or_zero(text: str, holds: bool):
    assert truth(text) is holds


Tree = tuple[str, int]

OPERATORS: Mapping[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "=": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    ">": lambda a, b: int(a > b),
    "<=": lambda a, b: int(a <= b),
    ">=": lambda a, b: int(a >= b),
    "|": lambda a, b: a or b,
    "&": lambda a, b: a if a and b else 0,
}


def joined(left: Tree, sign: str, right: Tree) -> Tree:
    return f"({left[0]}) {sign} ({right[0]})", OPERATORS[sign](left[1], right[1])


NUMBERS = st.integers(-1000, 1000).map(lambda number: (str(number), number))
SUMS: st.SearchStrategy[Tree] = st.recursive(
    NUMBERS, lambda inner: st.builds(joined, inner, st.sampled_from(sorted(OPERATORS)), inner), max_leaves=12
)


@given(SUMS)
def test_every_sum_in_brackets_has_the_value_of_arithmetic(tree: Tree):
    assert calculate(tree[0]) == str(tree[1])


@given(st.lists(st.integers(0, 9), min_size=1, max_size=6), st.data())
def test_stronger_signs_bind_first(numbers: list[int], data: st.DataObject):
    signs = [data.draw(st.sampled_from(["+", "-", "*"])) for _ in numbers[1:]]
    text = str(numbers[0]) + "".join(f" {sign} {number}" for sign, number in zip(signs, numbers[1:], strict=True))
    assert calculate(text) == str(eval(text))


@given(st.text(st.characters(exclude_characters="$")))
def test_a_text_without_brackets_stays_as_it_is(text: str):
    assert filled(text) == text
