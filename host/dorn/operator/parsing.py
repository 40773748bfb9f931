"""Parsing of lines and procedures into statements, checked against the dictionary before anything is sent."""

from __future__ import annotations

import re
from dataclasses import replace

from dorn.dictionary import Dictionary
from dorn.dictionary.definitions import Field
from dorn.errors import UserError, shown
from dorn.operator.statements import (
    COMPLETION_LIMIT_S,
    GRAMMAR,
    RELATIONS,
    Check,
    Condition,
    Say,
    Statement,
    Until,
    Wait,
)
from dorn.operator.telecommands import one_of, telecommand, value_of, words_of
from dorn.util.checks import above_zero

_FIELD = re.compile(r"(\w+)\.(\w+)(?:\[([0-9]{1,5})\])?", re.ASCII)
_COMMENT = re.compile(r"(?:^|\s)#.*")


def parse(line: str, dictionary: Dictionary) -> Statement | None:
    """Parse one line; None if it is empty or a comment. Raises UserError naming the error and the alternatives."""
    words = words_of(without_comment(line))
    if not words:
        return None
    keyword, *words = words
    return _PARSERS[one_of("statement", keyword, GRAMMAR)](words, dictionary)


def parse_all(text: str, path, dictionary: Dictionary) -> list[tuple[int, str, Statement]]:
    """Parse a procedure into (line number, line without comment, statement). Raises UserError at the first error."""
    found = []
    # not splitlines(): editors recognise only these line ends
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
    """The enumeration of a value of an event report: its description is, or begins with, the enumeration's name."""
    word = about.partition(" ")[0]
    return word if word in dictionary.enums else None


def _seconds(keyword: str, words: list[str]) -> float:
    if len(words) != 1:
        raise _malformed(keyword, words)
    return above_zero(words[0], keyword, "SECONDS")


def _within(keyword: str, words: list[str]) -> tuple[list[str], float | None]:
    """(words before `within SECONDS`, seconds); seconds is None if there is no `within`."""
    if "within" not in words:
        return words, None
    at = words.index("within")
    return words[:at], _seconds(keyword, words[at + 1 :])


def _malformed(keyword: str, words: list[str]) -> UserError:
    return UserError(f"{keyword}: expected `{GRAMMAR[keyword]}` ({shown(' '.join([keyword, *words]))})")


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
        raise UserError(f"{keyword}: expected PACKET.FIELD, or PACKET.FIELD[INDEX] for an array ({shown(words[0])})")
    packet, name, index = match[1], match[2], int(match[3]) if match[3] else None
    layout = dictionary.telemetry[one_of(f"{keyword}: packet", packet, dictionary.telemetry)]
    fields = {field.name: field for field in layout.fields}
    field = fields[one_of(f"{keyword}: field of {packet}", name, fields)]
    if (field.length is None) != (index is None):
        what = "is not an array" if field.length is None else f"is an array of {field.length}: give an index, {name}[0]"
        raise UserError(f"{keyword}: {packet}.{name}: {what} ({shown(words[0])})")
    if isinstance(field.length, int) and index is not None and index >= field.length:
        raise UserError(f"{keyword}: {packet}.{name}: has elements 0 to {field.length - 1} ({index})")
    relation = one_of(f"{keyword}: relation", words[1], RELATIONS)
    return Condition(
        packet, None, name, index, relation, value_of(f"{keyword}: {words[0]}", words[2], field, dictionary)
    )


def _event(keyword: str, name: str, words: list[str], dictionary: Dictionary) -> Condition:
    event = dictionary.events[one_of(f"{keyword}: event", name, dictionary.events)]
    if not words:
        return Condition(name, event.id)
    which = one_of(f"{keyword}: event {name}", words[0], ("a", "b"))
    about = getattr(event, which)
    field = Field(which, "u32", enum=enum_of(about, dictionary))
    relation = one_of(f"{keyword}: relation", words[1], RELATIONS)
    value = value_of(f"{keyword}: event {name} {which}", words[2], field, dictionary)
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
