# fsw/store/segments.py in isolation: foreign files, damaged segments, and segments removed while being read.
import os
from binascii import crc32

from check import equal, raises
from doubles import EIO, ENOSPC, ROOT, Clock, Flash, Link
from fsw import icd, memory
from fsw.link.frame import Deframer
from fsw.link.packet import Telemetry
from fsw.store.segments import RECORD, TIME, Segments
from records import damaged, framed, packet, record_of, write

FOLDER = ROOT + "/store"
ENOENT = 2
HEADER = 8  # octets


class Numbered:
    def number(self, priority):
        return 0x01020304

    def append(self, frame):
        pass


def put(name, content):
    with open(f"{FOLDER}/{name}", "wb") as file:
        file.write(content)


def content(number):
    with open(f"{FOLDER}/{number:08x}", "rb") as file:
        return file.read()


def some(firsts=(1, 6, 11), each=5):
    """Segments with these first record numbers and numbers of records."""
    segments = Segments(FOLDER)
    for first in firsts:
        write(segments, first, [framed(first + n) for n in range(each)], first - 1)
    return segments


def found():
    segments = Segments(FOLDER)
    segments.find()
    return segments


def records(segments, number):
    return [record_of(packet) for packet in segments.packets(number)]


# -- what is on flash --------------------------------------------------------------------------------------------------


def test_every_file_opened_adds_to_the_allocation_estimate():
    Flash()
    segments = some((1,), each=30)  # more than one chunk
    octets = segments.size(1)
    for use, files in (
        (lambda: segments.create(100, 30).close(), 1),
        (lambda: segments.append(100).close(), 1),
        (lambda: segments.before(1), 1),
        (lambda: records(segments, 1), 1 + (octets - HEADER + 511) // 512),
    ):
        memory.garbage[0] = 0
        use()
        equal(memory.garbage[0], 1450 * files)


def test_on_an_empty_flash_the_folder_is_created_without_segments():
    Flash()
    segments = found()
    equal((list(segments.numbers), segments.bytes, segments.bad), ([], 0, 0))
    equal(os.listdir(ROOT), ["store"])
    equal(list(found().numbers), [])


def test_segments_are_found_in_the_order_of_their_numbers():
    Flash()
    some((0x90, 0x100, 0xF))
    segments = found()
    equal(list(segments.numbers), [0xF, 0x90, 0x100])
    equal(segments.bytes, sum(map(segments.size, segments.numbers)))
    equal(segments.size(0xF), HEADER + 5 * len(framed(1)))


def test_files_of_other_names_and_folders_are_left_alone():
    Flash()
    found()
    names = ["-0000001", "+0000001", "0000_001", "0000000A", "0x000001", "00000000", "000000001", "1", "x"]
    names += ["f0000000", "f0000001", "ffffffff"]
    for name in names:
        put(name, bytes(20))
    os.mkdir(FOLDER + "/00000013")
    put("efffffff", bytes(20))
    put("00000001", bytes(30))
    segments = found()
    equal((list(segments.numbers), segments.bytes), ([1, 0xEFFFFFFF], 50))
    equal(len(os.listdir(FOLDER)), len(names) + 3)


def test_a_file_without_a_complete_header_is_removed():
    """Power failed before the file was first closed."""
    Flash()
    found()
    for octets in (0, 1, HEADER - 1, HEADER, HEADER + 1):
        put(f"{octets + 1:08x}", bytes(octets))
    segments = found()
    equal((list(segments.numbers), segments.bytes), ([HEADER + 1, HEADER + 2], 2 * HEADER + 1))
    equal(sorted(os.listdir(FOLDER)), ["00000009", "0000000a"])


def test_a_file_that_cannot_be_removed_hides_no_other():
    flash = Flash()
    some((1, 3))
    put("00000002", b"")
    put("00000004", b"")
    flash.fail(EIO)
    segments = found()
    equal(list(segments.numbers), [1, 3])
    equal(len(os.listdir(FOLDER)), 4)


def test_a_flash_that_cannot_be_listed_is_an_error():
    flash = Flash()
    flash.fail(ENOSPC)
    equal(raises(OSError, Segments(FOLDER).find).errno, ENOSPC)
    flash.work()
    with open(FOLDER, "wb") as file:
        file.write(b"no folder")
    raises(OSError, Segments(FOLDER).find)


# -- writing -----------------------------------------------------------------------------------------------------------


def test_a_new_segment_begins_with_the_count_of_records_before_it_and_its_crc():
    Flash()
    segments = Segments(FOLDER)
    with segments.create(0xABC, 0x01020304) as file:  # the folder could not be created earlier
        file.write(b"frames")
    count = b"\1\2\3\4"
    equal(content(0xABC), count + crc32(count).to_bytes(4, "big") + b"frames")
    equal(segments.before(0xABC), 0x01020304)
    equal(list(segments.numbers), [])  # the writer lists it once it is complete


def test_a_recreated_segment_keeps_nothing_of_the_old_one():
    Flash()
    segments = some((1,))
    segments.create(1, 9).close()
    equal((segments.size(1), segments.before(1)), (HEADER, 9))


def test_appended_records_follow_the_existing_ones():
    Flash()
    segments = some((1,), each=2)
    with segments.append(1) as file:
        file.write(framed(3))
    equal(records(segments, 1), [1, 2, 3])
    equal(segments.before(1), 0)


def test_a_folder_that_cannot_be_created_is_an_error():
    flash = Flash()
    for errno in (EIO, ENOSPC):
        flash.fail(errno)
        equal(raises(OSError, Segments(FOLDER).create, 1, 0).errno, errno)
    flash.work()
    Segments(FOLDER).create(1, 0).close()
    Segments(FOLDER).create(2, 0).close()  # an existing folder is not an error


# -- removing ----------------------------------------------------------------------------------------------------------


def test_the_oldest_segment_is_removed():
    Flash()
    segments = some()
    octets = segments.bytes
    segments.remove_oldest()
    equal(list(segments.numbers), [6, 11])
    equal(segments.bytes, octets - (HEADER + 5 * len(framed(1))))
    equal(sorted(os.listdir(FOLDER)), ["00000006", "0000000b"])
    equal(list(found().numbers), [6, 11])


def test_an_oldest_segment_that_cannot_be_removed_changes_nothing():
    flash = Flash()
    segments = some()
    octets = segments.bytes
    flash.fail(EIO)
    equal(raises(OSError, segments.remove_oldest).errno, EIO)
    equal((list(segments.numbers), segments.bytes), ([1, 6, 11], octets))
    flash.work()
    os.remove(FOLDER + "/00000001")
    equal(raises(OSError, segments.remove_oldest).errno, ENOENT)
    equal((list(segments.numbers), segments.bytes), ([1, 6, 11], octets))


# -- the next segment, and the number of records before ----------------------------------------------------------------


def test_the_next_segment_has_a_higher_number():
    Flash()
    segments = some()
    for number, following in ((0, 1), (1, 6), (5, 6), (6, 11), (10, 11), (11, 0), (99, 0)):
        equal(segments.after(number), following, number)


def test_a_damaged_header_counts_no_records_before():
    Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1)], 77)
    equal(segments.before(1), 77)
    whole = content(1)
    for at in range(HEADER):
        put("00000001", whole[:at] + bytes([whole[at] ^ 0x81]) + whole[at + 1 :])
        equal(segments.before(1), 0, at)
    for octets in range(HEADER):
        put("00000001", whole[:octets])
        equal(segments.before(1), 0, octets)
    put("00000001", whole[:HEADER])
    equal(segments.before(1), 77)
    equal(segments.before(2), 0)  # no such segment


def test_number_and_time_are_at_their_offsets_in_a_packet():
    link = Link()
    telemetry = Telemetry(Clock(0x0A0B0C0D * 1_000_000 + 500_000), link, Numbered(), 0x0506)
    telemetry.send(icd.EVENT_INFO, 1, 2, 3)
    (packet,) = map(bytes, Deframer(icd.MAX_PACKET).feed(link.sent[0]))
    equal(packet[RECORD : RECORD + 6], b"\1\2\3\4\5\6")
    equal(packet[TIME : TIME + 6], b"\x0a\x0b\x0c\x0d\x80\0")


# -- reading -----------------------------------------------------------------------------------------------------------


def test_packets_are_read_back_unchanged():
    """This includes frames that span two reads."""
    Flash()
    segments = Segments(FOLDER)
    octets = (23, 600, 200, 505, 512, 513, 100)
    write(segments, 1, [framed(1 + n, n << 20, octets[n]) for n in range(len(octets))])
    read = [bytes(packet) for packet in segments.packets(1)]
    equal(read, [packet(1 + n, n << 20, octets[n]) for n in range(len(octets))])
    equal(segments.bad, 0)


def test_damage_loses_only_the_record_it_hits_and_is_counted():
    Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1), damaged(2), framed(3), damaged(4), framed(5)])
    equal(records(segments, 1), [1, 3, 5])
    equal(segments.bad, 2)


def test_a_truncated_frame_does_not_affect_the_next_reading():
    Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1), framed(2)[:-5]])
    write(segments, 3, [framed(3), framed(4)])
    equal(records(segments, 1), [1])
    equal(segments.bad, 1)
    equal(records(segments, 3), [3, 4])
    equal(segments.bad, 1)


def test_a_closed_reading_does_not_affect_the_next_one():
    Flash()
    segments = Segments(FOLDER)
    write(segments, 1, [framed(1 + n, octets=200) for n in range(4)])
    write(segments, 5, [framed(5), framed(6)])
    reading = segments.packets(1)
    next(reading)
    next(reading)
    reading.close()
    equal(records(segments, 5), [5, 6])
    equal(records(segments, 1), [1, 2, 3, 4])


def test_a_segment_may_grow_while_it_is_read():
    """No file stays open, so appended records are read."""
    Flash()
    segments = some((1,), each=20)
    reading = segments.packets(1)
    seen = [record_of(next(reading))]
    with segments.append(1) as file:
        for n in (21, 22):
            file.write(framed(n))
    seen += [record_of(packet) for packet in reading]
    equal(seen, list(range(1, 23)))


def test_a_segment_that_is_removed_while_it_is_read_ends_early():
    Flash()
    segments = some((1, 41), each=40)
    reading = segments.packets(1)
    next(reading)
    segments.remove_oldest()
    left = len(list(reading))
    assert left < 39, left
    equal(records(segments, 41), list(range(41, 81)))


def test_removing_another_segment_does_not_end_the_reading():
    Flash()
    segments = some((1, 6, 46), each=40)
    reading = segments.packets(6)
    next(reading)
    segments.remove_oldest()
    equal(len(list(reading)), 39)
