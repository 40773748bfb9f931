"""`dorn run`, called by a test, and its output."""

import json

from dorn import cli

FATES = ("recorded", "lost_dead_time", "merged", "below_threshold", "over_range", "disabled", "lost_overrun")


def run(*args):
    return cli.main(["run", *map(str, args)])


def summary(out):
    return json.loads((out / "summary.json").read_text())
