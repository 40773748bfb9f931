"""The flash of an emulated Pico: its file system, its operations, their duration on real flash, its unique id."""

from __future__ import annotations

from dorn.errors import UserError

# Winbond W25Q16JV data sheet, 9.6: typical times of a sector erase (maximum 0.4 s) and of a page program
SECTOR_ERASE_S, PAGE_PROGRAM_S = 0.045, 0.0004
_SECTOR, _PAGE = 4096, 256
_READ_UNIQUE_ID, _DUMMIES, _ID_OCTETS = 0x4B, 4, 8  # command; dummy octets before the id; octets of the id
_SSI, _SSI_DATA = 0x18000, 0x60  # the bus of the flash: its key in the emulator, its data register


def file_system(files: dict[str, bytes], layout, old: bytes | None = None) -> bytes:
    """A littlefs image like MicroPython's with these files; the other files of the image `old` are kept."""
    size = layout.fs_blocksize * layout.fs_blockcount
    if old is not None and len(old) != size:
        raise UserError(f"the saved flash has {len(old)} octets, not {size}: remove it")
    fs = _littlefs(old or b"\x5a" * size, mount=old is None)
    if old:
        fs.mount()
    for path, content in files.items():
        folder = path.rpartition("/")[0]
        if folder:
            fs.makedirs(folder, exist_ok=True)
        with fs.open(path, "wb") as f:
            f.write(content)
    fs.unmount()
    return bytes(fs.context.buffer)


def free_blocks(contents: bytes) -> int:
    """Free blocks of the file system in `contents`."""
    fs = _littlefs(contents, mount=True)
    return len(contents) // _SECTOR - fs.used_block_count


def _littlefs(contents: bytes, mount: bool):
    """A littlefs on these contents. mount: mount it at once, formatting it if there is no file system."""
    from littlefs import LittleFS, UserContext

    context = UserContext(buffsize=len(contents))
    context.buffer[:] = contents  # blocks never written look used, not blank, so that an erase is visible
    return LittleFS(
        context=context,
        block_size=_SECTOR,
        block_count=len(contents) // _SECTOR,
        prog_size=_PAGE,
        disk_version=0x00020001,  # 2.1, what MicroPython 1.28 writes
        mount=mount,
    )


class Flash:
    """The file system in the chip's flash; power may fail during an operation.

    The emulator applies a command when chip-select ends it; the change in content shows which command it was.
    """

    def __init__(self, chip: bytearray, start: int, contents: bytes):
        self.operations = 0  # erases and programs so far that changed the content
        self.power_failures = 0
        self.power_failed = False  # during an operation: nothing is written until power is back
        self._view = memoryview(chip)[start : start + len(contents)]
        self._view[:] = self._seen = contents
        self._cut_at, self._done = 0, 0.0

    def contents(self) -> bytes:
        return bytes(self._view)

    def damage(self, sector: int) -> None:
        """Overwrite a sector with zeros, regardless of its content; no power cut can do that."""
        self._view[sector * _SECTOR : (sector + 1) * _SECTOR] = bytes(_SECTOR)
        self._seen = self.contents()

    def cut_at(self, operation: int, done: float) -> None:
        """Cut power at an operation counted from now (1: the next), with a fraction `done` (0 to 1) of it executed."""
        self._cut_at, self._done = self.operations + operation, done

    def command(self) -> float:
        """Process the end of a command. Returns how long the flash is busy with it, seconds."""
        before, after = self._seen, self.contents()
        if after == before:
            return 0.0
        if self.power_failed:
            self._view[:] = before
            return 0.0
        self._seen = after
        self.operations += 1
        if self.operations != self._cut_at:
            return busy_s(before, after)
        self.power_failed = True
        self.power_failures += 1
        self._view[:] = self._seen = cut_short(before, after, self._done)
        return self._done * busy_s(before, after)


class Identity:
    """Answers the flash command "read unique id", which MicroPython sends at each start, on the emulator's flash bus:
    the emulator itself does not know the command, and answers with all ones, as if there were no flash."""

    def __init__(self, mcu, unique_id: int):
        self._bus = mcu.ssi
        self._id = unique_id.to_bytes(_ID_OCTETS, "big")
        self.write_uint32, self.write_uint32_atomic = self._bus.write_uint32, self._bus.write_uint32_atomic
        mcu.peripherals[_SSI] = self

    def read_uint32(self, offset: int) -> int:
        sent, answered = self._bus._tx_buffer, self._bus._rx_queue
        at = len(sent) - len(answered) - 1 - _DUMMIES  # index of the octet of the id that is read
        value = self._bus.read_uint32(offset)
        if offset == _SSI_DATA and 0 <= at < _ID_OCTETS and sent[0] == _READ_UNIQUE_ID:
            return self._id[at]
        return value


def cut_short(before: bytes, after: bytes, done: float) -> bytes:
    """Content if power fails after the fraction `done` (0 to 1) of the command that changes `before` to `after`."""
    changed = [at for at in range(0, len(after), _PAGE) if before[at : at + _PAGE] != after[at : at + _PAGE]]
    first, end = changed[0], changed[-1] + _PAGE
    at = first + round(done * (end - first))
    return after[:at] + before[at:]


def busy_s(before: bytes, after: bytes) -> float:
    """Seconds for which the flash is busy with the erase or program that changes `before` to `after`."""
    busy = 0.0
    for at in range(0, len(after), _SECTOR):
        one, other = before[at : at + _SECTOR], after[at : at + _SECTOR]
        if one != other:
            pages = sum(one[p : p + _PAGE] != other[p : p + _PAGE] for p in range(0, _SECTOR, _PAGE))
            busy += SECTOR_ERASE_S if other.count(0xFF) == _SECTOR else pages * PAGE_PROGRAM_S
    return busy
