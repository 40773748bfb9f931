# Assertions for on-board tests that report the values, which MicroPython's `assert` does not.


def equal(found, wanted, about=None):
    """about: the case, for checks in a loop"""
    if found != wanted:
        case = "" if about is None else f"{about}: "
        raise AssertionError(f"{case}found {found!r}, wanted {wanted!r}")


def raises(kind, function, *values):
    """-> the exception of type `kind` that the call raises"""
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
