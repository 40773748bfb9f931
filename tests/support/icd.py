"""The tables of firmware/icd.toml, for tests that change them."""

import tomllib

from dorn.util.paths import onboard_root


def tables() -> dict:
    """All tables, read from the file again."""
    return tomllib.loads((onboard_root() / "firmware" / "icd.toml").read_text())


def named(tables: dict, kind: str, name: str) -> dict:
    """The table of this kind with this name."""
    return next(table for table in tables[kind] if table["name"] == name)
