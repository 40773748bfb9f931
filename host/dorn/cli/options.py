"""Arguments that several commands have."""

from dorn.link.key import Key

TARGET = "unix, rp2040, a serial port or a URL"


def add_key(command) -> None:
    """--key, to the parser of a command."""
    command.add_argument("--key", metavar="FILE", help="sign the telecommands with this key (dorn key), as on board")


def key_of(args) -> Key | None:
    """UserError if it cannot be used."""
    return None if args.key is None else Key.load(args.key)
