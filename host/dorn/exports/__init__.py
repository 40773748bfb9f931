"""The dictionary for other ground systems and for readers: all files generated from icd.toml.

They are committed in `committed/` beside this module, where a partner finds them without installing anything.
"""

from pathlib import Path

from dorn.dictionary import Dictionary
from dorn.errors import UserError
from dorn.exports import ccsdspy, cosmos, document, xtce, xtce_yamcs


def folder() -> Path:
    """Folder of the committed exports."""
    return Path(__file__).with_name("committed")


def files(dictionary: Dictionary) -> dict[str, str]:
    """Path in the folder -> text of each file."""
    return {
        "ICD.md": document.text(dictionary),
        "xtce-portable.xml": xtce.text(dictionary),
        "xtce-yamcs.xml": xtce_yamcs.text(dictionary),
        **{f"ccsdspy/{name}": text for name, text in ccsdspy.files(dictionary).items()},
        **{f"cosmos/{name}": text for name, text in cosmos.files(dictionary).items()},
    }


def write(dictionary: Dictionary, out: Path) -> list[Path]:
    """Write all files into a folder. Returns their paths. Raises UserError for the first file that fails."""
    paths = []
    for name, text in files(dictionary).items():
        path = out / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UserError.at(path, "file", f"cannot be written: {error.strerror}") from None
        paths.append(path)
    return paths
