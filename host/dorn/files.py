"""Where the files of the instrument are: the firmware and the boards."""

from pathlib import Path


def onboard_root() -> Path:
    """Return the folder that holds `firmware/` and `boards/`.

    An installed wheel carries them in `dorn/onboard/`; an editable checkout has them at its root.
    Raises FileNotFoundError if neither is there.
    """
    package = Path(__file__).resolve().parent
    for root in (package / "onboard", package.parents[1]):
        if (root / "firmware" / "icd.toml").is_file():
            return root
    raise FileNotFoundError(f"no firmware/icd.toml in {package / 'onboard'} or {package.parents[1]}")
