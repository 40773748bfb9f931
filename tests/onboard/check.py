# Assertions of on-board tests, which tell the values: MicroPython's `assert` does not.


def equal(found, wanted, about=None):
    """about: which case it is, in a loop"""
    if found != wanted:
        case = "" if about is None else f"{about}: "
        raise AssertionError(f"{case}found {found!r}, wanted {wanted!r}")


def raises(kind, function, *values):
    """-> the exception of that kind which the call raises."""
    try:
        function(*values)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} raised")


def has(things, *wanted):
    for thing in wanted:
        if thing not in things:
            raise AssertionError(f"found {things!r}, without {thing!r}")


def has_not(things, *unwanted):
    for thing in unwanted:
        if thing in things:
            raise AssertionError(f"found {things!r}, with {thing!r}")
