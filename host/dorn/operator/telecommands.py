"""A telecommand as an operator writes it, NAME FIELD=VALUE ..., checked against the dictionary."""

from __future__ import annotations

import re
from collections.abc import Callable
from difflib import get_close_matches
from functools import partial
from typing import Any

from dorn.dictionary import Dictionary, Layout, PacketError
from dorn.dictionary.definitions import Field
from dorn.errors import UserError, shown
from dorn.operator.statements import FromNow, Send

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}")
_FROM_NOW = re.compile(r"[+-][0-9]{1,10}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_LISTED = 30  # a message lists at most this many names; if there are more, only close matches


def telecommand(words: list[str], dictionary: Dictionary, check: bool = True) -> Send:
    """Parse NAME FIELD=VALUE ..., fields in any order. Raises UserError if it does not match the dictionary.

    check=False: allow parameters outside their range, for the instrument to refuse.
    """
    if not words:
        raise UserError("telecommand: no name; `dorn tc --list` lists all")
    name, *words = words
    layout = dictionary.commands[one_of("telecommand", name, dictionary.commands)]
    known = written(layout)
    fields: dict[str, int | str | bytes | FromNow | Send] = {}
    for word in words:
        field, equals, text = word.partition("=")
        if not equals:
            raise UserError(f"{name}: not FIELD=VALUE ({shown(word)}); fields: {', '.join(known) or 'none'}")
        one_of(f"{name}: field", field, known)
        if field in fields:
            raise UserError(f"{name}: {field}: appears twice ({shown(text)})")
        fields[field] = _given(f"{name}: {field}", text, known[field], dictionary, check)
    missing = [field for field in known if field not in fields]
    if missing:
        raise UserError(f"{name}: no value for {', '.join(missing)}")
    try:
        # checks the range of a parameter and the length of the packet
        encode = partial(dictionary.encode, sequence=0, check=check)
        encode(name, **resolved(fields, 0, encode))
    except PacketError as error:
        raise UserError(str(error)) from None
    return Send(name, fields)


def written(layout: Layout) -> dict[str, Field]:
    """The fields of a telecommand that an operator writes; the lengths of arrays are computed."""
    counted = {array.length for array in layout.arrays}
    return {field.name: field for field in layout.fields if field.name not in counted}


def resolved(fields: dict, now_s: float, encode: Callable[..., bytes]) -> dict[str, Any]:
    """Fields for Dictionary.encode. now_s: on-board time. encode(name, **fields): encodes an embedded telecommand."""
    found = {}
    for name, value in fields.items():
        if isinstance(value, Send):
            value = encode(value.name, **resolved(value.fields, now_s, encode))
        elif isinstance(value, FromNow):
            value = min(max(int(now_s) + value.seconds, 0), 2**32 - 1)
        found[name] = value
    return found


def words_of(text: str) -> list[str]:
    """The words of a line; text in parentheses belongs to the word that opens them."""
    words: list[str] = []
    depth = 0
    for word in text.split():
        if depth > 0:
            words[-1] += f" {word}"
        else:
            words.append(word)
        depth += word.count("(") - word.count(")")
    return words


def one_of(what: str, text: str, names) -> str:
    """Return `text` if it is one of the names. Otherwise raises UserError listing them."""
    if text in names:
        return text
    names = list(names)
    possible = f"one of {', '.join(names)}" if names else "there are none"
    if len(names) > _LISTED:
        close = get_close_matches(text, names, n=8)
        possible = f"did you mean {', '.join(close)}?" if close else possible
    raise UserError(f"{what}: unknown ({shown(text)}); {possible}")


def _names(field: Field, dictionary: Dictionary) -> dict[str, int]:
    return dictionary.enums.get(field.enum or "", {})


def value_of(what: str, text: str, field: Field, dictionary: Dictionary) -> int:
    names = _names(field, dictionary)
    if text in names:
        return names[text]
    if _NUMBER.fullmatch(text):
        value = int(text, 16 if text[1:2] in ("x", "X") else 10)
        if value <= field.high:
            return value
    elif names:
        one_of(what, text, names)
    unit = f" {field.unit}" if field.unit else ""
    raise UserError(f"{what}: not a whole number from 0 to {field.high}{unit} ({shown(text)})")


def _given(what: str, text: str, field: Field, dictionary: Dictionary, check: bool):
    if field.length is not None:
        return _octets(what, text, dictionary, check)
    if field.name.endswith("_s") and _FROM_NOW.fullmatch(text):
        return FromNow(int(text))
    value = value_of(what, text, field, dictionary)
    return text if text in _names(field, dictionary) else value  # kept as written, for messages


def _octets(what: str, text: str, dictionary: Dictionary, check: bool) -> bytes | Send:
    if text.startswith("("):
        if not text.endswith(")"):
            raise UserError(f"{what}: the telecommand's parenthesis is not closed ({shown(text)})")
        try:
            return telecommand(words_of(text[1:-1]), dictionary, check)
        except UserError as error:
            raise UserError(f"{what}: {error}") from None
    if not _HEX.fullmatch(text):
        raise UserError(f"{what}: neither octets in hex nor (TELECOMMAND FIELD=VALUE ...) ({shown(text)})")
    return bytes.fromhex(text)
