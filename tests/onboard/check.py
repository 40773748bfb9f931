# Assertions of on-board tests, which tell the values: MicroPython's `assert` does not.


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def raises(kind, function, *values):
    """-> the exception of that kind which the call raises."""
    try:
        function(*values)
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} raised")
