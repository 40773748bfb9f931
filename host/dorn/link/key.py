"""The key that signs telecommands: a file on the ground, and the file `key` on the board.

The trailer after a packet in its frame: number of the key u8, counter u32, and the first 8 octets of the HMAC-SHA-256
(RFC 2104) of packet, number and counter (firmware/fsw/link/authentication.py). The instrument requires every counter to
be higher than all previous ones; therefore the counter is saved before the telecommand is sent, even if several
programs share the file. An instrument that has lost its counter, or has the key for the first time, requires one
telecommand whose HMAC also covers its event `challenge`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hmac
import os
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

from dorn.errors import UserError
from dorn.util.checks import text_of

BOARD_FILE = "key"
SECRET = 32  # octets
TAG = 8
TRAILER = 1 + 4 + TAG
MOST = 2**32 - 1  # the last counter
_RESERVED = 64  # counters that the instrument may skip in a reset


def challenge_in(fields: dict[str, int]) -> bytes:
    """The challenge in the fields of the event `challenge`."""
    return b"".join(fields[half].to_bytes(4, "big") for half in "ab")


class Key:
    """number: 0 to 255, identifies the key. challenge: the instrument's latest, until a telecommand is signed over it.

    The secret is in no message and no repr.
    """

    def __init__(self, path: Path, number: int, secret: bytes):
        self.path = path
        self.number = number
        self.challenge = b""
        self._secret = secret

    def __repr__(self) -> str:
        return f"Key({str(self.path)!r}, {self.number})"

    @classmethod
    def create(cls, path: Path | str, number: int = 1) -> Key:
        """Make a key and its file, readable by its owner only. Raises UserError if it exists or cannot be written."""
        path = Path(path)
        if path.exists():
            raise UserError.at(path, "key", "exists: a key is never overwritten")
        key = cls(path, number, secrets.token_bytes(SECRET))
        with _locked(path):
            key._write(0)
        return key

    @classmethod
    def load(cls, path: Path | str) -> Key:
        """Raises UserError, without the secret, if it is not a key file, readable by others, or all zeros."""
        path = Path(path)
        number, secret, _ = _read(path)
        if not any(secret):
            raise UserError.at(path, "secret", "is all zeros, which no instrument accepts: make another key")
        if path.stat().st_mode & 0o077:
            raise UserError.at(path, "key", "others may read it: chmod 600")
        return cls(path, number, secret)

    @property
    def board_file(self) -> bytes:
        """Content of the file `key` on the board: number and secret."""
        return bytes([self.number]) + self._secret

    def sign(self, packet: bytes) -> bytes:
        """Return packet and trailer, with the next counter, signed over the challenge if there is one. Raises UserError
        if the file cannot be written."""
        challenge, self.challenge = self.challenge, b""  # each challenge is answered once
        return self._signed(packet, self._advance(1), challenge)

    def _signed(self, packet: bytes, counter: int, challenge: bytes = b"") -> bytes:
        signed = packet + bytes([self.number]) + counter.to_bytes(4, "big")
        return signed + hmac.digest(self._secret, signed + challenge, "sha256")[:TAG]

    def skip(self) -> None:
        """Skip the counters that the instrument may have skipped in a reset."""
        self._advance(_RESERVED)

    def _advance(self, step: int) -> int:
        with _locked(self.path):
            number, secret, counter = _read(self.path)
            if (number, secret) != (self.number, self._secret):
                raise UserError.at(self.path, "key", "was replaced by another key meanwhile")
            if counter + step > MOST:
                raise UserError.at(self.path, "counter", "is used up: make another key", str(counter))
            self._write(counter + step)
        return counter + step

    def _write(self, counter: int) -> None:
        """Replace the file atomically."""
        new = self.path.with_name(self.path.name + ".new")
        text = (
            f'number = {self.number}\ncounter = {counter}  # of the last telecommand\nsecret = "{self._secret.hex()}"\n'
        )
        try:
            with contextlib.suppress(FileNotFoundError):
                new.unlink()
            with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path)
        except OSError as error:
            raise UserError.at(self.path, "key", f"cannot be written: {error.strerror}") from None


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file's folder, because the file itself is replaced."""
    try:
        folder = os.open(path.absolute().parent, os.O_RDONLY)
    except OSError as error:
        raise UserError.at(path, "key", f"its folder cannot be read: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _read(path: Path) -> tuple[int, bytes, int]:
    """(number, secret, counter)"""
    try:
        table = tomllib.loads(text_of(path))
    except tomllib.TOMLDecodeError:  # its message may quote the secret
        raise UserError.at(path, "key", "not a key file made by dorn key") from None
    for name, most in (("number", 255), ("counter", MOST)):
        value = table.get(name)
        if type(value) is not int or not 0 <= value <= most:
            raise UserError.at(path, name, f"not a whole number from 0 to {most}", repr(value))
    try:
        secret = bytes.fromhex(table.get("secret", ""))
    except (TypeError, ValueError):
        secret = b""
    if len(secret) != SECRET:
        raise UserError.at(path, "secret", f"not {SECRET} octets in hex")
    return table["number"], secret, table["counter"]
