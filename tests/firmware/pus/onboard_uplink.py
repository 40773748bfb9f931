# fsw/pus/router.py: when the task of telecommands has work before the link has octets.
from check import equal
from fsw.pus.router import Router, Uplink


class Link:
    def __init__(self):
        self.octets, self.has_room = None, True

    def read(self):
        octets, self.octets = self.octets, None
        return octets

    def room(self):
        return self.has_room


class Deframer:
    def feed(self, data):
        yield from data


class Functions:
    restart = None


def test_a_released_telecommand_is_work_until_it_is_handled():
    router = Router(None, {})
    uplink = Uplink(Link(), Deframer(), None, router, Functions(), None)
    equal(uplink.wanted(), False)
    for packet in (b"a", b"b"):  # too short to be a telecommand: counted as rejected
        equal(router.release(packet), True)
    for rejected in (1, 2):
        equal(uplink.wanted(), True)
        equal((uplink.step(0), router.rejected), (True, rejected))
    equal(uplink.wanted(), False)


def test_a_received_telecommand_is_work_once_there_is_room_for_its_reports():
    router, link = Router(None, {}), Link()
    uplink = Uplink(link, Deframer(), None, router, Functions(), None)
    link.octets, link.has_room = [b"a"], False
    equal((uplink.step(0), router.rejected, uplink.wanted()), (False, 0, False))
    link.has_room = True
    equal(uplink.wanted(), True)
    equal((uplink.step(1), router.rejected), (True, 1))
