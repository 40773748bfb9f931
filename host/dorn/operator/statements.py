"""What an operator writes: one statement a line, read and checked against the dictionary before anything is sent.

GRAMMAR has the statements. NAME, FIELD, PACKET, PARAMETER, FAILURE and names of values are those of icd.toml; a VALUE
is decimal, 0x..., or the name of a value. An element of an array is FIELD[INDEX]; an event report has two values, a and
b, as icd.toml says. Octets are written in hex, or as the telecommand they are, in parentheses: it gets the sequence
count before the one that carries it, and reports its completion. An on-board time (a field ..._s) may be +SECONDS or
-SECONDS from now. `#` begins a comment. Times are target time, in seconds.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import partial

from dorn.dictionary import Dictionary, Layout, Packet, PacketError
from dorn.dictionary.definitions import Field
from dorn.errors import UserError, shown
from dorn.util.checks import above_zero

GRAMMAR = {
    "send": "send NAME FIELD=VALUE ... [within SECONDS]",
    "refused": "refused FAILURE NAME FIELD=VALUE ... [within SECONDS]",
    "set": "set PARAMETER VALUE",
    "wait": "wait SECONDS",
    "until": "until PACKET.FIELD OP VALUE within SECONDS, or until event NAME [a OP VALUE] within SECONDS",
    "check": "check PACKET.FIELD OP VALUE, or check event NAME [a OP VALUE]",
    "say": "say TEXT",
}
MEANING = {
    "send": "a telecommand, which must complete; octets: hex, or a telecommand in parentheses; times: also +SECONDS",
    "refused": "a telecommand, which must be refused with this failure code",
    "set": "short for send set_parameter",
    "wait": "let time pass",
    "until": "wait for a new packet, or for an event report since the last telecommand was sent, with such a value",
    "check": "the last packet that came, or an event report since the last telecommand was sent, has such a value",
    "say": "print a text",
}
RELATIONS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
COMPLETION_LIMIT_S = 15.0  # within it a telecommand completes, if the statement says nothing else
EVENT_REPORTING = 5  # service number (ECSS-E-ST-70-41C)

_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,16}|[0-9]{1,20}")
_FIELD = re.compile(r"(\w+)\.(\w+)(?:\[([0-9]{1,5})\])?", re.ASCII)
_FROM_NOW = re.compile(r"[+-][0-9]{1,10}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_LISTED = 30  # names a message lists in any case; of more, only those like the wrong one, if there are any


@dataclass(frozen=True)
class FromNow:
    """An on-board time, so many seconds after the one at which the telecommand is sent; before it, if negative."""

    seconds: int


@dataclass(frozen=True)
class Send:
    """A telecommand that must complete or, with `failure`, be refused with that code, within limit_s.

    fields: octets may be a telecommand, whose failure and limit do not count.
    """

    name: str
    fields: dict[str, int | str | bytes | FromNow | Send]
    failure: str | None = None
    limit_s: float = COMPLETION_LIMIT_S


@dataclass(frozen=True)
class Wait:
    seconds: float


@dataclass(frozen=True)
class Condition:
    """On a field of a packet or, with `event`, on an event report of that number and, unless `field` is None, on it.

    subject: the packet's or the event report's name. index: of an array's element.
    """

    subject: str
    event: int | None
    field: str | None = None
    index: int | None = None
    relation: str = "=="
    value: int = 0

    def concerns(self, packet: Packet) -> bool:
        if self.event is None:
            return packet.name == self.subject
        return packet.service == EVENT_REPORTING and packet.fields.get("event") == self.event

    def holds(self, packet: Packet) -> bool:
        if not self.concerns(packet):
            return False
        if self.field is None:
            return True
        found = self._read(packet)
        return found is not None and RELATIONS[self.relation](found, self.value)

    def said(self, packet: Packet) -> str:
        """What a packet that it concerns says of it."""
        if self.field is None:
            return f"event {self.subject}"
        value = packet.text(self.field) if self.index is None else self._read(packet)
        element = "" if self.index is None else f"[{self.index}]"
        return f"{self.subject}.{self.field}{element} is {'not there' if value is None else value}"

    def _read(self, packet: Packet) -> int | None:
        """None: the array that came is shorter."""
        found = packet.fields[self.field]
        if self.index is None:
            return found
        return found[self.index] if self.index < len(found) else None


@dataclass(frozen=True)
class Until:
    condition: Condition
    limit_s: float


@dataclass(frozen=True)
class Check:
    condition: Condition


@dataclass(frozen=True)
class Say:
    text: str


Statement = Send | Wait | Until | Check | Say


def parse(line: str, dictionary: Dictionary) -> Statement | None:
    """One line; None if it is empty or a comment. UserError names what is wrong with what, and what is possible."""
    words = words_of(without_comment(line))
    if not words:
        return None
    keyword, *words = words
    return _PARSERS[one_of("statement", keyword, GRAMMAR)](words, dictionary)


def parse_all(text: str, path, dictionary: Dictionary) -> list[tuple[int, str, Statement]]:
    """(line number, the line without its comment, statement) of a whole procedure. UserError at the first bad line."""
    found = []
    # of the line ends Unicode knows, an editor shows and counts these only
    for number, line in enumerate(re.split(r"\r\n|\n|\r", text), 1):
        try:
            statement = parse(line, dictionary)
        except UserError as error:
            raise UserError(f"{path}:{number}: {error}") from None
        if statement is not None:
            found.append((number, " ".join(without_comment(line).split()), statement))
    if not found:
        raise UserError.at(path, "procedure", "has no statement")
    return found


def without_comment(line: str) -> str:
    return _COMMENT.sub("", line, count=1)


def enum_of(about: str, dictionary: Dictionary) -> str | None:
    """The enumeration whose names a value of an event report has: its description is, or begins with, that one's."""
    word = about.partition(" ")[0]
    return word if word in dictionary.enums else None


def words_of(text: str) -> list[str]:
    """The words of a line; what stands in parentheses belongs to the word that opens them."""
    words: list[str] = []
    depth = 0
    for word in text.split():
        if depth > 0:
            words[-1] += f" {word}"
        else:
            words.append(word)
        depth += word.count("(") - word.count(")")
    return words


def telecommand(words: list[str], dictionary: Dictionary, check: bool = True) -> Send:
    """NAME FIELD=VALUE ..., in any order of the fields. UserError if the dictionary has it otherwise.

    check=False: also with parameters outside their range, for the instrument to refuse.
    """
    if not words:
        raise UserError("telecommand: no name; `dorn tc --list` has all")
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
            raise UserError(f"{name}: {field}: stands twice ({shown(text)})")
        fields[field] = _given(f"{name}: {field}", text, known[field], dictionary, check)
    missing = [field for field in known if field not in fields]
    if missing:
        raise UserError(f"{name}: no value for {', '.join(missing)}")
    try:
        # parameters have ranges of their own, a packet has a longest
        encode = partial(dictionary.encode, sequence=0, check=check)
        encode(name, **resolved(fields, 0, encode))
    except PacketError as error:
        raise UserError(f"{name}: {error}") from None
    return Send(name, fields)


def written(layout: Layout) -> dict[str, Field]:
    """The fields of a telecommand that are written: the lengths of arrays are counted."""
    counted = {array.length for array in layout.arrays}
    return {field.name: field for field in layout.fields if field.name not in counted}


def resolved(fields: dict, now_s: float, encode: Callable[..., bytes]) -> dict[str, int | str | bytes]:
    """Fields as Dictionary.encode takes them. now_s: on-board time. encode(name, **fields): what another carries."""
    found = {}
    for name, value in fields.items():
        if isinstance(value, Send):
            value = encode(value.name, **resolved(value.fields, now_s, encode))
        elif isinstance(value, FromNow):
            value = min(max(int(now_s) + value.seconds, 0), 2**32 - 1)
        found[name] = value
    return found


def _given(what: str, text: str, field: Field, dictionary: Dictionary, check: bool):
    if field.length is not None:
        return _octets(what, text, dictionary, check)
    if field.name.endswith("_s") and _FROM_NOW.fullmatch(text):
        return FromNow(int(text))
    value = _value(what, text, field, dictionary)
    return text if text in _names(field, dictionary) else value  # reports say it as it was written


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


def one_of(what: str, text: str, names) -> str:
    """`text`, if it is one of the names; else UserError with those that are possible."""
    if text in names:
        return text
    names = list(names)
    possible = f"one of {', '.join(names)}" if names else "there are none"
    if len(names) > _LISTED:
        close = get_close_matches(text, names, n=8)
        possible = f"did you mean {', '.join(close)}?" if close else possible
    raise UserError(f"{what}: unknown ({shown(text)}); {possible}")


def _names(field: Field, dictionary: Dictionary) -> dict[str, int]:
    return dictionary.enums.get(field.enum, {})


def _value(what: str, text: str, field: Field, dictionary: Dictionary) -> int:
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


def _seconds(keyword: str, words: list[str]) -> float:
    if len(words) != 1:
        raise _malformed(keyword, words)
    return above_zero(words[0], keyword, "SECONDS")


def _within(keyword: str, words: list[str]) -> tuple[list[str], float | None]:
    """(what stands before `within SECONDS`, seconds); None where it is not there."""
    if "within" not in words:
        return words, None
    at = words.index("within")
    return words[:at], _seconds(keyword, words[at + 1 :])


def _malformed(keyword: str, words: list[str]) -> UserError:
    return UserError(f"{keyword}: is not `{GRAMMAR[keyword]}` ({shown(' '.join([keyword, *words]))})")


def _send(words, dictionary):
    words, limit_s = _within("send", words)
    return replace(telecommand(words, dictionary), limit_s=limit_s or COMPLETION_LIMIT_S)


def _refused(words, dictionary):
    words, limit_s = _within("refused", words)
    if len(words) < 2:
        raise _malformed("refused", words)
    failure = one_of("refused: failure", words[0], dictionary.enums["failure"])
    sent = telecommand(words[1:], dictionary, check=False)
    return replace(sent, failure=failure, limit_s=limit_s or COMPLETION_LIMIT_S)


def _set(words, dictionary):
    if len(words) != 2:
        raise _malformed("set", words)
    parameter, value = words
    one_of("set: parameter", parameter, dictionary.parameters)
    return telecommand(["set_parameter", f"parameter={parameter}", f"value={value}"], dictionary)


def _wait(words, dictionary):
    return Wait(_seconds("wait", words))


def _until(words, dictionary):
    before, limit_s = _within("until", words)
    if limit_s is None:
        raise _malformed("until", words)
    return Until(_condition("until", before, dictionary), limit_s)


def _check(words, dictionary):
    return Check(_condition("check", words, dictionary))


def _say(words, dictionary):
    return Say(" ".join(words))


def _condition(keyword: str, words: list[str], dictionary: Dictionary) -> Condition:
    if words[:1] == ["event"] and len(words) in (2, 5):
        return _event(keyword, words[1], words[2:], dictionary)
    if len(words) != 3:
        raise _malformed(keyword, words)
    match = _FIELD.fullmatch(words[0])
    if not match:
        raise UserError(f"{keyword}: not PACKET.FIELD, or PACKET.FIELD[INDEX] of an array ({shown(words[0])})")
    packet, name, index = match[1], match[2], match[3] and int(match[3])
    layout = dictionary.telemetry[one_of(f"{keyword}: packet", packet, dictionary.telemetry)]
    fields = {field.name: field for field in layout.fields}
    field = fields[one_of(f"{keyword}: field of {packet}", name, fields)]
    if (field.length is None) != (index is None):
        what = "is no array" if field.length is None else f"is an array of {field.length}: say which, {name}[0]"
        raise UserError(f"{keyword}: {packet}.{name}: {what} ({shown(words[0])})")
    if isinstance(field.length, int) and index >= field.length:
        raise UserError(f"{keyword}: {packet}.{name}: has elements 0 to {field.length - 1} ({index})")
    relation = one_of(f"{keyword}: relation", words[1], RELATIONS)
    return Condition(packet, None, name, index, relation, _value(f"{keyword}: {words[0]}", words[2], field, dictionary))


def _event(keyword: str, name: str, words: list[str], dictionary: Dictionary) -> Condition:
    event = dictionary.events[one_of(f"{keyword}: event", name, dictionary.events)]
    if not words:
        return Condition(name, event.id)
    which = one_of(f"{keyword}: event {name}", words[0], ("a", "b"))
    about = getattr(event, which)
    field = Field(which, "u32", enum=enum_of(about, dictionary))
    relation = one_of(f"{keyword}: relation", words[1], RELATIONS)
    value = _value(f"{keyword}: event {name} {which}", words[2], field, dictionary)
    return Condition(name, event.id, which, None, relation, value)


_PARSERS = {
    "send": _send,
    "refused": _refused,
    "set": _set,
    "wait": _wait,
    "until": _until,
    "check": _check,
    "say": _say,
}
