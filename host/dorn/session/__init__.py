"""A conversation with one instrument: packets come, telecommands are verified, an acquisition is run."""

from dorn.session.session import CommandFailed, Session

__all__ = ["CommandFailed", "Session"]
