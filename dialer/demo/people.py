"""The debtors of the demo: invented names and valid Argentine numbers, the same for the same seed. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, fields
from random import Random

ZONE = "America/Argentina/Buenos_Aires"

SEGMENTS = {"alta": (0.2, (400_000, 1_500_000), (91, 240)), "media": (0.35, (90_000, 400_000), (31, 90))} | {
    "baja": (0.45, (8_000, 90_000), (5, 30))
}
"""Share of the list, balance in pesos and days overdue, from and to, by segment."""

_FIRST_NAMES = (
    "Ana Bruno Camila Diego Elena Facundo Gabriela Hernán Inés Joaquín Karina Leandro Marta Nicolás Olga Pablo Rocío "
    "Sergio Teresa Ulises Valeria Walter Ximena Yolanda Agustín Belén Cecilia Damián Estela Federico Graciela Horacio "
    "Ignacio Julieta Lautaro Mónica Natalia Oscar Paula Ramiro Silvia Tomás Verónica Zulema"
)
_LAST_NAMES = (
    "Acosta Benítez Cabrera Domínguez Escobar Fernández Giménez Herrera Ibarra Juárez Ledesma Medina Ojeda "
    "Pereyra Quiroga Romero Suárez Toledo Vázquez Arce Bustos Correa Duarte Esquivel Ferreyra Godoy Heredia Luna "
    "Núñez Ortiz Peralta Ríos Sosa Torres Vera Ayala Blanco Castro"
)
_FIRST, _LAST = _FIRST_NAMES.split(), _LAST_NAMES.split()

_CITIES = (("11", 8, 12), ("351", 7, 3), ("341", 7, 3), ("261", 7, 2))
"""Area code, digits after it, weight."""

_PRODUCTS = ("tarjeta", "préstamo personal", "cuenta corriente", "electrodomésticos")
_CREDITORS = ("Banco Ejemplo", "Financiera Ejemplo", "Tienda Ejemplo")


@dataclass(frozen=True, slots=True)
class Debtor:
    """One row of the list, in the importer's columns."""

    debtor: str
    name: str
    phone: str
    segment: str
    language: str
    time_zone: str
    creditor: str
    product: str
    balance: str
    currency: str
    days_overdue: int


def debtors(count: int, seed: int) -> Iterator[Debtor]:
    """Return so many debtors, no number twice."""
    rng = Random(seed)  # noqa: S311 - a performance, no secret
    given: set[str] = set()
    for number in range(1, count + 1):
        (segment,) = rng.choices(list(SEGMENTS), weights=[share for share, _, _ in SEGMENTS.values()])
        _, balance, overdue = SEGMENTS[segment]
        yield Debtor(
            debtor=f"DEMO-{number:05d}",
            name=f"{rng.choice(_FIRST)} {rng.choice(_LAST)}",
            phone=_phone(rng, given),
            segment=segment,
            language="es",
            time_zone=ZONE,
            creditor=rng.choice(_CREDITORS),
            product=rng.choice(_PRODUCTS),
            balance=f"{rng.randint(*balance)}.{rng.randint(0, 99):02d}",
            currency="ARS",
            days_overdue=rng.randint(*overdue),
        )


def _phone(rng: Random, given: set[str]) -> str:
    while True:
        (city,) = rng.choices(_CITIES, weights=[weight for _, _, weight in _CITIES])
        area, digits, _ = city
        # Subscribers' numbers begin with 4, 5 or 6 in all of these cities.
        phone = f"+549{area}{rng.choice('456')}{rng.randrange(10 ** (digits - 1)):0{digits - 1}d}"
        if phone not in given:
            given.add(phone)
            return phone


def as_list(people: Iterable[Debtor]) -> str:
    """Return the list as the importer reads it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Debtor))
    writer.writerows(astuple(person) for person in people)
    return text.getvalue()
