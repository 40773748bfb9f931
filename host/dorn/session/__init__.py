"""A session with one instrument: packets received, telecommands verified, acquisitions run."""

from dorn.session.session import CommandFailed, Session

__all__ = ["CommandFailed", "Session"]
