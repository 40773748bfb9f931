"""Every shipped procedure, run as `dorn procedure` runs it."""

import pytest
from dorn.operator import parsing, procedure


@pytest.mark.parametrize("name", procedure.shipped())
def test_a_shipped_procedure_succeeds(commander, evidence, capsys, name):
    path = procedure.PROCEDURES / f"{name}.txt"
    steps = parsing.parse_all(path.read_text(), path, commander.dictionary)
    begin_us = commander.target.now_us
    done = procedure.run(commander, steps)
    evidence(f"{name}: {len(steps)} statements", f"{(commander.target.now_us - begin_us) / 1e6:.1f} s of target time")
    assert done, capsys.readouterr().out.splitlines()[-1]
    commander.command("report_structure", structure="health")
    left = commander.housekeeping
    assert (left.text("mode"), left.text("bias_state")) == ("standby", "off")  # in standby the pulser is off
