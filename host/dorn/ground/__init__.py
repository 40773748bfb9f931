"""The ground segment: a bridge to other ground systems, Yamcs, and a simulated spacecraft."""
