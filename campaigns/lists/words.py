"""Answers in words: yes and no, who is who, languages, countries, currencies; three languages."""

from __future__ import annotations

from campaigns.lists.cells import Unusable, folded, is_nothing


def _words(*lines: str) -> frozenset[str]:
    return frozenset(word for line in lines for word in line.split(","))


_YES = _words("si,s,x,1,yes,y,true,t,verdadero,v,sim,verdadeiro")
_NO = _words("no,n,0,false,f,falso,nao")
_FIRST = _words(
    "first,first party,1,titular,deudor,deudora,deudor principal,principal,deudor solidario,solidario,coobligado",
    "codeudor,co deudor,codeudora,cotitular,fiador,fiadora,garante,aval,avalista,debtor,guarantor,cosigner,codebtor",
    "devedor,devedora",
)
_THIRD = _words(
    "third,third party,tercero,tercera,terceiro,referencia,referencia personal,referencia familiar,familiar,contacto",
    "conyuge,conjuge,spouse,relative,reference,vecino,conocido,empleador,heredero,albacea",
)
_LANGUAGES = {
    "es": "es", "spa": "es", "espanol": "es", "spanish": "es", "castellano": "es", "espanhol": "es",
    "en": "en", "eng": "en", "ingles": "en", "english": "en",
    "pt": "pt", "por": "pt", "portugues": "pt", "portuguese": "pt", "pt br": "pt",
}  # fmt: skip
COUNTRIES = {
    "argentina": "AR", "arg": "AR", "bolivia": "BO", "brasil": "BR", "brazil": "BR", "bra": "BR", "chile": "CL",
    "chl": "CL", "colombia": "CO", "col": "CO", "costa rica": "CR", "cuba": "CU", "republica dominicana": "DO",
    "dominican republic": "DO", "ecuador": "EC", "ecu": "EC", "espana": "ES", "spain": "ES", "esp": "ES",
    "guatemala": "GT", "honduras": "HN", "mexico": "MX", "mex": "MX", "nicaragua": "NI", "panama": "PA", "peru": "PE",
    "per": "PE", "paraguay": "PY", "el salvador": "SV", "uruguay": "UY", "ury": "UY", "venezuela": "VE",
    "estados unidos": "US", "united states": "US", "usa": "US", "eeuu": "US", "ee uu": "US", "canada": "CA",
    "puerto rico": "PR", "reino unido": "GB", "united kingdom": "GB", "uk": "GB", "portugal": "PT", "italia": "IT",
    "italy": "IT", "francia": "FR", "france": "FR", "irlanda": "IE", "ireland": "IE", "alemania": "DE",
    "germany": "DE",
}  # fmt: skip
_CURRENCIES = {
    "us$": "USD", "u$s": "USD", "r$": "BRL", "€": "EUR", "£": "GBP", "s/": "PEN", "s/.": "PEN", "dolares": "USD",
    "dolar": "USD", "dolar estadounidense": "USD", "euros": "EUR", "euro": "EUR", "reais": "BRL", "real": "BRL",
    "soles": "PEN", "uf": "CLF", "usd": "USD",
}  # fmt: skip


def yes(text: str, field: str) -> bool:
    """Say whether a flag is set; raises Unusable for what is neither yes nor no."""
    word = folded(text)
    if word in _YES:
        return True
    if word in _NO or is_nothing(text):
        return False
    raise Unusable(field, "neither yes nor no; write sí or no")


def party(text: str, field: str = "party") -> str:
    """Return `third` for who does not owe the debt, `first` for who does; raises Unusable for an unknown word."""
    word = folded(text)
    if word in _FIRST or is_nothing(text):
        return "first"
    if word in _THIRD:
        return "third"
    raise Unusable(field, "not one of titular, codeudor, fiador, tercero, first, third")


def language(text: str, field: str = "language") -> str:
    """Return the language's code, "" for none; raises Unusable for an unknown one."""
    if is_nothing(text):
        return ""
    found = _LANGUAGES.get(folded(text))
    if found is None:
        raise Unusable(field, "not one of es, en, pt")
    return found


def country(text: str, field: str = "country") -> str:
    """Return the country's code (ISO 3166), "" for none; raises Unusable for an unknown one."""
    if is_nothing(text):
        return ""
    found = COUNTRIES.get(folded(text)) or (
        text.upper() if len(text) == 2 and text.isascii() and text.isalpha() else ""
    )
    if not found:
        raise Unusable(field, "not a country such as AR or Argentina")
    return found


def currency(text: str, field: str = "currency") -> str | None:
    """Return the currency's code (ISO 4217), None for none; raises Unusable for what names none for certain."""
    if is_nothing(text):
        return None
    found = _CURRENCIES.get(text.lower()) or _CURRENCIES.get(folded(text))
    if found is None and len(text) == 3 and text.isascii() and text.isalpha():
        found = text.upper()
    if found is None:
        raise Unusable(field, "not a currency code such as COP")
    return found
