"""Byte streams to packets and back: frames on the wire, archives of packets."""
