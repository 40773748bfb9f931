# The boards the firmware runs on. Their interface: boards/README.md.
import sys


def open_board():
    """The Board this MicroPython runs on."""
    machine = sys.implementation._machine
    if "RP2040" in machine:
        from boards.pico import constants
        from boards.rp2.board import Board

        return Board(constants)
    if sys.platform == "linux" or sys.platform == "darwin":
        from boards.unix.board import Board

        return Board()
    raise RuntimeError("no board for " + machine)
