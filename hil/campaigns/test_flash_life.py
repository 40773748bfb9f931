"""Flash lifetime: erases per day of storage, counted below MicroPython's own littlefs."""

from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.image import firmware
from dorn.image.constants import constants
from support import micropython
from support.onboard import FOLDER

ONBOARD = Path(__file__).parent / "onboard"
SHORT_DAYS, LONG_DAYS = 1, 60
ENDURANCE = 100_000  # erases of a sector: Winbond W25Q16JV data sheet, features
BLOCKS = 352  # of 4096 octets: the file system of MicroPython on the Pico, 1408 kB of 2 MB
LIFE_YEARS = 2  # required minimum; the DORN timeline has about 8 days

SCRIPT = """
from wear import Wear
wear = Wear({blocks}, {files}, {segments}, "/kept")
wear.run({days}, {per_day}, {delay_s}, {checkpoint_s}, {integration_s})
print(sum(wear.erases), max(wear.erases), wear.stored)
"""


def test_flash_life(long, totals):
    """Lifetime of the most erased block, with default parameters and the storage budget used up."""
    default = {name: p.default for name, p in Dictionary.load().parameters.items()}
    days = LONG_DAYS if long else SHORT_DAYS
    files = firmware.files("pico")
    script = SCRIPT.format(
        blocks=BLOCKS,
        files=sum(map(len, files.values())),
        segments=constants("pico")["STORE_SEGMENTS"],
        days=days,
        per_day=default["storage_per_day"],
        delay_s=default["storage_delay"],
        checkpoint_s=default["checkpoint_period"],
        integration_s=default["integration_time"],
    )
    erases, most, stored = map(int, micropython.run(script, heap_kb=8000, path=[ONBOARD, FOLDER]).split())
    mean_years, worst_years = (ENDURANCE / (n / days) / 365.25 for n in (erases / BLOCKS, most))
    totals(
        f"flash: {days} days, {stored} octets stored, {erases} erases of {BLOCKS} blocks, {erases * 4096 / stored:.1f}"
        f" octets erased per octet stored; at most {most} of one block, which lasts {worst_years:.1f} years;"
        f" with even wear {mean_years:.0f} years"
    )
    assert worst_years >= LIFE_YEARS
