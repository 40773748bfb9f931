"""Energies of the lines whose regions are counted: nuclides from the dictionary, energies from dorn.nuclides."""

from dorn import nuclides
from dorn.dictionary import Dictionary, DictionaryError
from dorn.errors import UserError


def line_kev(dictionary: Dictionary) -> dict[str, float]:
    """Name of each line -> energy of its nuclide's strongest line, keV. Raises DictionaryError if there is none."""
    found = {}
    for name, nuclide in dictionary.lines.items():
        try:
            found[name] = nuclides.main_kev(nuclide)
        except UserError as error:
            raise DictionaryError(f"lines: {name}: {error}") from None
    return found
