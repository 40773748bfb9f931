# The task of the uplink: from the bytes of the link to telecommands, and the reset that one of them may want.
from fsw import icd
from fsw.health.shutdown import restart
from fsw.link.packet import Refused


class Uplink:
    """`functions` tells that a reset is wanted; parts: what shutdown.restart() takes."""

    def __init__(self, link, deframer, authentication, router, functions, parts):
        self._link = link
        self._deframer = deframer
        self._authentication = authentication
        self._router = router
        self._functions = functions
        self._parts = parts

    def turn(self, now):
        more = self._router.handle_released()  # and the link in any case: events may release what leads to them
        self._restart()
        data = self._link.read()
        if not data:
            return more
        for content in self._deframer.feed(data):
            try:
                packet = self._authentication.open(content)
            except Refused as refusal:
                self._router.refuse(content, *refusal.args)
                continue
            self._router.handle(packet)
            self._restart()
        return True  # there may be more

    def _restart(self):
        """If a telecommand wants it, its report being out."""
        function = self._functions.restart
        if function is not None:
            restart(self._parts, function == icd.FUNCTION_MAINTENANCE)
