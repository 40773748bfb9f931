"""Optional packages, which pyproject.toml declares as extras."""

from dorn.errors import UserError


def missing(what: str, extra: str) -> UserError:
    """The error for a missing package, with how to install it. `what`: such as "yamcs: no java found"."""
    return UserError(f"{what}; pip install '.[{extra}]' in the clone")
