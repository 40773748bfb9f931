"""An instrument on one of the simulated targets."""

from contextlib import contextmanager

import pytest
from dorn.dictionary import Dictionary
from dorn.head.front_end import FrontEnd, Head
from dorn.session import CommandFailed
from dorn.session.instrument import Instrument
from dorn.targets import NAMES
from dorn.targets.unix import UnixTarget
from stimuli import HeadStimulus

from support import chip

DICTIONARY = Dictionary.load()
both = pytest.mark.parametrize("where", NAMES)  # what depends on the chip
both_if_long = pytest.mark.parametrize("where", ["unix", pytest.param("rp2040", marks=pytest.mark.long)])


def open_simulated(where, head=None, flash=None, files=None):
    """A simulated target, as with `chip.open_chip`."""
    if where == "unix":
        return UnixTarget(head, flash, files, unique_id=None if flash else 1)
    return chip.open_chip(None, head, files, flash=flash)


@contextmanager
def instrument(where, flash=None, files=None, **front_end):
    """A booted instrument with a simulated head."""
    with open_simulated(where, Head(FrontEnd(**front_end)), flash, files) as target:
        session = Instrument(target)
        session.connect()
        yield session


def play(i, particles):
    """Play particles to the head, until 1 ms after the last."""
    HeadStimulus(i.target, i).play(particles)


def refused(i, failure, name, **fields):
    """Check that the instrument rejects this telecommand with this failure code; the host's own check is bypassed."""
    with pytest.raises(CommandFailed) as caught:
        i.command(name, check=False, **fields)
    assert caught.value.failure == failure, (name, fields)
