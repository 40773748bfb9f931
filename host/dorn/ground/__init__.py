"""The ground segment beside this package: a bridge to other tools, Yamcs, a spacecraft that is simulated."""
