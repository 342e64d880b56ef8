"""Columns are known by name in three languages; a doubt is an error that names both and the remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaigns.lists.columns import understood
from campaigns.lists.mapping import Mapping, load_mapping
from dialer.types import ConfigError, InputError

NAMES = {
    "debtor": ["Código cliente", "COD_CLIENTE", "customer id", "debtor"],
    "document": ["Documento", "DNI", "Cédula", "Nº documento", "RUT", "CPF", "nro_doc", "CUIT/CUIL"],
    "number": ["N° de cuenta", "Nº de crédito", "account_number", "Nro. Operación", "Contrato"],
    "name": ["Nombre y Apellido", "APELLIDO Y NOMBRE", "Razón Social", "full name", "Nome"],
    "balance": ["Saldo", "Deuda", "saldo_deudor", "Monto adeudado", "Amount due", "Importe"],
    "days_overdue": ["Días mora", "Días de mora", "mora", "DPD", "dias_atraso", "DiasMora"],
    "due_date": ["Fecha de vencimiento", "Vto", "due date"],
    "creditor": ["Acreedor", "Banco", "Cartera"],
    "product": ["Producto", "tipo de producto"],
    "time_zone": ["Zona horaria", "timezone"],
    "language": ["Idioma"],
    "segment": ["Segmento", "segment"],
    "score": ["Score", "Puntaje"],
    "tenure_months": ["Antigüedad", "antigüedad (meses)"],
    "locality": ["Ciudad", "Localidad", "Comuna"],
    "party": ["Tipo de deudor", "Rol"],
}


@pytest.mark.parametrize(("field", "header"), [(field, name) for field, names in NAMES.items() for name in names])
def test_a_column_is_known_by_its_name(field: str, header: str):
    columns = understood(["Teléfono", header], Mapping(), "AR")
    assert columns.at == {field: 1}


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("Teléfono 1", ""),
        ("TEL_CEL", "mobile"),
        ("Celular", "mobile"),
        ("tel2", ""),
        ("Teléfono fijo", "fixed"),
        ("Tel. laboral", ""),
        ("WhatsApp", "mobile"),
        ("phone", ""),
        ("Móvil 3", "mobile"),
        ("telefoneCelular", "mobile"),
    ],
)
def test_columns_of_phones_are_known_with_their_kind(header: str, kind: str):
    assert understood([header], Mapping(), "AR").phones == ((0, kind),)


def test_a_column_that_only_speaks_of_phones_is_none():
    columns = understood(["phone", "estado teléfono", "fecha celular"], Mapping(), "AR")
    assert columns.unread == ("estado teléfono", "fecha celular")


@pytest.mark.parametrize(
    ("header", "country", "field"),
    [
        ("Provincia", "AR", "subdivision"),
        ("Departamento", "CO", "subdivision"),
        ("Estado", "MX", "subdivision"),
        ("Estado", "CO", None),
        ("Departamento", "AR", None),
        ("Región", "CL", "subdivision"),
        ("Región", "CO", "region"),
    ],
)
def test_what_a_place_is_called_depends_on_the_country(header: str, country: str, field: str | None):
    assert understood(["phone", header], Mapping(), country).at == ({} if field is None else {field: 1})


def test_two_columns_for_one_field_are_named_with_the_remedy():
    with pytest.raises(InputError, match=r"'Saldo' and 'Deuda total' may both be balance.*\[columns\] balance"):
        understood(["phone", "Saldo", "Deuda total"], Mapping(), "AR")


def test_the_mapping_decides_between_them():
    columns = understood(["phone", "Saldo", "Deuda total"], Mapping(columns={"balance": ("deuda total",)}), "AR")
    assert (columns.header("balance"), columns.unread) == ("Deuda total", ("Saldo",))


def test_the_mapping_may_leave_a_column_out():
    columns = understood(["phone", "Saldo", "Deuda"], Mapping(ignore=("Deuda",)), "AR")
    assert columns.header("balance") == "Saldo"


def test_a_portfolio_is_the_creditor_only_where_nobody_else_is():
    columns = understood(["phone", "Acreedor", "Cartera"], Mapping(), "AR")
    assert (columns.header("creditor"), columns.unread) == ("Acreedor", ("Cartera",))


@pytest.mark.parametrize(
    ("headers", "identity"),
    [
        (["phone", "dni", "código cliente", "contrato"], "debtor"),
        (["phone", "dni", "contrato"], "document"),
        (["phone", "contrato"], "number"),
        (["phone"], "phone"),
    ],
)
def test_the_best_column_tells_people_apart(headers: list[str], identity: str):
    assert understood(headers, Mapping(), "AR").identity == identity


def test_flags_are_columns_too():
    columns = understood(["phone", "Disputa", "Fallecido", "Abogado", "No llamar", "Dificultad"], Mapping(), "AR")
    assert [flag for flag, _ in columns.flags] == ["dispute", "deceased", "represented", "internal", "hardship"]


def test_columns_that_segments_ask_for_are_kept():
    columns = understood(["phone", "Campaña Anterior", "Nota"], Mapping(), "AR", {"campaña anterior"})
    assert (columns.custom, columns.unread) == ((("campaña anterior", 1),), ("Nota",))


def test_a_file_without_phones_is_refused():
    with pytest.raises(InputError, match="no column holds phones"):
        understood(["dni", "saldo"], Mapping(), "AR")


def test_a_column_of_the_mapping_that_is_not_there_is_named():
    with pytest.raises(InputError, match="names a column 'Tel X' for phone; there are only: phone"):
        understood(["phone"], Mapping(columns={"phone": ("Tel X",)}), "AR")


def test_a_mapping_file_names_fields_that_exist(tmp_path: Path):
    path = tmp_path / "m.toml"
    path.write_text('[columns]\nfone = "x"\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"columns\.fone: no such field"):
        load_mapping(path)


def test_every_column_shown_says_what_it_is():
    columns = understood(["Celular", "DNI", "Disputa", "Nota"], Mapping(), "AR")
    assert columns.shown() == [("Celular", "phone (mobile)"), ("DNI", "document"), ("Disputa", "flag dispute")]
