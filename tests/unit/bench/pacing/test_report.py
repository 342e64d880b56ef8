"""What the benchmark prints."""

import json
from io import StringIO

import pytest
from click.testing import CliRunner
from rich.console import Console

from dialer.bench.pacing.contest import Row
from dialer.bench.pacing.report import compare, figures, table
from dialer.cli.bench import bench
from dialer.types import InputError

ROW = Row("n25_p20", "ratio", 4.2, 5, 0.863, 0.006, 21.04, 0.031, 0.032, 0.05, 5.4, 0.04, 0.1)


def test_people_read_a_table_with_the_breach_marked() -> None:
    shown = StringIO()
    Console(file=shown, width=120).print(table([ROW], "a title"))
    for expected in ("n25_p20", "ratio 4.2", "86.3% ± 0.6", "3.10% !", "best by search"):
        assert expected in shown.getvalue()


def test_programs_read_plain_numbers() -> None:
    read = json.loads(json.dumps(figures([ROW])))[0]
    assert (read["utilisation"], read["compliant"]) == (0.863, False)


@pytest.mark.parametrize(("scenarios", "policies"), [(["n7_p7"], []), ([], ["telepathic"])])
def test_a_name_there_is_not_is_refused_with_those_there_are(scenarios: list[str], policies: list[str]) -> None:
    with pytest.raises(InputError, match="choose from"):
        compare(
            scenarios=scenarios,
            policies=policies,
            seeds=1,
            first_seed=1,
            hours=1,
            target=None,
            jobs=1,
            warm=False,
            quick=False,
        )


@pytest.mark.timeout(120)
def test_the_command_prints_what_it_measured_and_the_machine() -> None:
    asked = ["pacing", "--scenario", "n5_p20", "--policy", "progressive", "--policy", "predictive"]
    done = CliRunner().invoke(bench, [*asked, "--seeds", "2", "--hours", "0.1", "--warm", "--json"])
    assert done.exit_code == 0, done.output
    printed = json.loads(done.output)
    assert [row["policy"] for row in printed["rows"]] == ["progressive", "predictive", "predictive, warm"]
    assert printed["machine"]["cores"] > 0
