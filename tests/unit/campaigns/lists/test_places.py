"""Names of provinces become codes, however they are written."""

from __future__ import annotations

import pytest

from campaigns.lists.places import subdivision


@pytest.mark.parametrize(
    ("text", "country", "code"),
    [
        ("Córdoba", "AR", "AR-X"),
        ("CORDOBA", "CO", "CO-COR"),
        ("Provincia de Buenos Aires", "AR", "AR-B"),
        ("Capital Federal", "AR", "AR-C"),
        ("C.A.B.A.", "AR", "AR-C"),
        ("São Paulo", "BR", "BR-SP"),
        ("sp", "BR", "BR-SP"),
        ("CDMX", "MX", "MX-CMX"),
        ("Estado de México", "MX", "MX-MEX"),
        ("Región Metropolitana", "CL", "CL-RM"),
        ("Bogotá D.C.", "CO", "CO-DC"),
        ("Norte de Santander", "CO", "CO-NSA"),
        ("AR-C", "AR", "AR-C"),
        ("Madrid", "ES", "ES-M"),
        ("Narnia", "AR", None),
        ("Madrid", "AR", None),
    ],
)
def test_a_place_by_its_name(text: str, country: str, code: str | None):
    assert subdivision(text, country) == code
