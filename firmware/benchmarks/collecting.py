# Run in place of main.py by `dorn study stalls`: the firmware, collecting garbage in each step of the task `rates`.
import gc

import fsw.memory  # first, as in main.py
from fsw.pus.rates import Rates

send = Rates.send


def collecting(self, now):
    gc.collect()
    send(self, now)


Rates.send = collecting

import firmware_main  # pyright: ignore[reportMissingImports] main.py, renamed
