"""One document is written one way, whatever its dots; a filler is no document."""

from __future__ import annotations

import pytest

from campaigns.lists.cells import Unusable
from campaigns.lists.documents import document


@pytest.mark.parametrize(
    ("text", "country", "plain"),
    [
        ("12.345.678-5", "CL", "123456785"),
        ("12345678-k", "CL", "12345678K"),
        ("DNI 12.345.678", "AR", "12345678"),
        ("CC: 1.020.304.050", "CO", "1020304050"),
        ("20-12345678-9", "AR", "20123456789"),
        ("1234567890", "BR", "01234567890"),
        ("012.345.678-90", "BR", "01234567890"),
        ("V-12345678", "VE", "V12345678"),
    ],
)
def test_a_document_without_its_dots(text: str, country: str, plain: str):
    assert document(text, country) == plain


@pytest.mark.parametrize("text", ["00000000", "11111111", "123", "sin documento todavía", "abc"])
def test_what_is_no_document_is_refused(text: str):
    with pytest.raises(Unusable):
        document(text, "AR")


def test_an_empty_cell_is_no_document():
    assert document("N/A", "AR") is None
