"""Packages that not every use of dorn needs: pyproject.toml has them as extras."""

from dorn.errors import UserError


def missing(what: str, extra: str) -> UserError:
    """The error for what is not installed, and how to get it. `what`: WHO: what is missing."""
    return UserError(f"{what}; pip install '.[{extra}]' in the clone")
