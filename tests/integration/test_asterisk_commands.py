"""`dialer asterisk status` and `reload` ask real nodes through the administrative plane."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lab.asterisk import AsteriskLab
from tests.lab.service import Service
from tests.lab.softphones import Softphones

pytestmark = [pytest.mark.asterisk, pytest.mark.timeout(90)]


def test_a_node_is_described_reloaded_and_missed_when_it_is_gone(lab_root: Path, tmp_path: Path):
    with (
        AsteriskLab(
            lab_root, tmp_path / "home", softphones=2, service={"home": tmp_path / "home", "metrics": ""}
        ) as lab,
        Softphones(lab, tmp_path, count=1),
        Service(lab.config, tmp_path) as service,
    ):
        (node,) = service.json("asterisk", "status")
        assert node["version"].startswith("22.")
        assert (node["supported"], node["softphones"], node["missing_modules"]) == (True, "1 of 2 registered", "")
        assert node["trunks"].startswith("carrier: ")
        assert "res_pjsip reloaded on lab" in service.run("asterisk", "reload")
        assert "no such module" in service.run("asterisk", "reload", "res_nonsense", ok=False).lower()
        lab.kill9()
        gone = service.attempt("asterisk", "status", "--json")
        assert gone.returncode == 1
        assert "cannot be reached" in json.loads(gone.stdout)[0]["error"]
