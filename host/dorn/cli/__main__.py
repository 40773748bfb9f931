"""`python -m dorn.cli`: the same as `dorn`."""

import sys

from dorn.cli import main

sys.exit(main())
