# Run in place of main.py by `dorn study stalls`: the firmware, collecting garbage before each packet `rates`.
import gc

import fsw.memory  # first, as in main.py
from fsw.pus.rates import Rates

rates = Rates.rates


def collecting(self):
    gc.collect()
    rates(self)


Rates.rates = collecting

import firmware_main  # pyright: ignore[reportMissingImports] main.py, renamed
