"""What several files of tests of `dorn analyse` need."""

import pytest
from support import analyses


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of a run, with the files that the options name."""
    folder = tmp_path_factory.mktemp("recorded")
    analyses.record(folder)
    return folder
