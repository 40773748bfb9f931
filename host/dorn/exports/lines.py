"""Energies of the lines whose regions are counted: the dictionary names their nuclides, the table has the energies."""

from dorn import nuclides
from dorn.dictionary import Dictionary, DictionaryError


def line_kev(dictionary: Dictionary) -> dict[str, float]:
    """Name of each line -> energy of its nuclide's strongest line, keV. DictionaryError for an unknown nuclide."""
    found = {}
    for name, nuclide in dictionary.lines.items():
        try:
            found[name] = nuclides.main_kev(nuclide)
        except nuclides.UnknownNuclide as error:
            raise DictionaryError(f"lines: {name}: {error}") from None
    return found
