"""`dorn flash` on the emulated Pico, connected through a pseudo-terminal."""

import pytest
import serial
from dorn.flash import board_files, port
from dorn.image import firmware
from dorn.image.constants import constants
from dorn.link.key import Key
from dorn.session import CommandFailed, Session
from dorn.targets.serial import SerialTarget
from dorn.util.paths import onboard_root
from support.chip import firmware_files
from support.desk import Desk, desk
from support.instrument import DICTIONARY

FILES = firmware.files
PICO_W = {**constants("pico"), "MACHINE": "Raspberry Pi Pico W with RP2040"}


def variant(monkeypatch, text):
    """Append text to one file of the firmware."""
    path = "fsw/pus/test.py"
    changed = {path: (onboard_root() / "firmware" / path).read_text() + text}
    monkeypatch.setattr(firmware, "files", lambda board, **options: FILES(board, changed, **options))


def pull_cable(*_):
    raise serial.SerialException("the cable")


def has_main(board):
    """Whether a board at its prompt has a main.py that is not empty."""
    line = port.Line(board.name)
    line.open()
    assert line.knock(10)
    line.transport.enter_raw_repl(soft_reset=False)
    try:
        line.transport.exec("import os")
        return line.transport.eval("'main.py' in os.listdir() and os.stat('main.py')[6] > 0")
    finally:
        line.close()


def test_a_blank_board_is_flashed_despite_interruptions(written, capsys):
    """After each of four interruptions the board boots to its prompt; the fifth attempt succeeds."""
    with desk({}) as board:
        for n, action in ((0, pull_cable), (1, board.unplug), (9, pull_cable), (len(FILES("pico")) - 12, pull_cable)):
            written.fail(n, action)
            assert board.flash() == 2
            output = capsys.readouterr().err
            assert "lost while writing /" in output and "flash again" in output
            if board._unplugged.is_set():
                board.plug()
            board.power_cycle()
            assert not has_main(board)
        written.paths.clear()
        assert board.flash() == 0
        assert 0 < len(written.paths) < 12 and written.paths[-1] == "/main.py"
        hk = board.housekeeping()
        assert (hk["boot_count"], hk["manifest"]) == (1, firmware.manifest_id("pico"))
        assert "it runs" in capsys.readouterr().out


def test_flashing_a_running_instrument_with_the_same_firmware_copies_nothing(board, written, capsys):
    boots = board.housekeeping()["boot_count"]
    assert board.flash() == 0
    assert written.paths == []
    assert f"{len(FILES('pico'))} unchanged" in capsys.readouterr().out
    hk = board.housekeeping()
    assert hk["boot_count"] == boots + 1  # one restart: maintenance mode is not counted, and the count is kept


def test_only_a_changed_file_is_copied_and_check_reports_it(board, written, monkeypatch, capsys):
    variant(monkeypatch, "\nX = 1\n")
    assert board.flash("--check") == 1
    output = capsys.readouterr().out
    assert "fsw/pus/test.mpy: differs\nmanifest: differs\n2 files differ\n" in output and written.paths == []
    assert board.housekeeping(starting=True)["manifest"] != firmware.manifest_id("pico")  # the old firmware
    assert board.flash() == 0
    assert written.paths == ["/manifest", "/fsw/pus/test.mpy", "/main.py"]
    assert board.flash("--check") == 0


@pytest.mark.parametrize("n", [0, 1, 2])
def test_an_update_interrupted_at_any_file_can_be_completed(board, written, monkeypatch, n):
    variant(monkeypatch, f"\nX = {10 + n}\n")
    written.fail(n, pull_cable)
    assert board.flash() == 2
    board.power_cycle()
    assert not has_main(board)
    assert board.flash() == 0  # housekeeping was received


def test_an_omitted_service_is_removed_and_foreign_files_are_kept(capsys):
    with desk({**firmware_files(), "notes.txt": b"mine", "fsw/mine.py": b"# mine"}) as board:
        assert board.flash("--without", "rates") == 0
        assert "1 removed" in capsys.readouterr().out
        assert board.housekeeping()["manifest"] == firmware.manifest_id("pico", ["rates"])
        kept = []
        board.do(lambda: kept.extend(files_of(board)))
        assert "fsw/pus/rates.mpy" not in kept and {"notes.txt", "fsw/mine.py", "kept/boot.0"} <= set(kept)


def mounted(image):
    """The file system of a flash image. Raises LittleFSError if it cannot be mounted."""
    from littlefs import LittleFS, UserContext

    context = UserContext(buffsize=len(image))
    context.buffer[:] = image
    fs = LittleFS(context=context, block_size=4096, block_count=len(image) // 4096, mount=False)
    fs.mount()
    return fs


def files_of(board):
    """Paths of all files in the emulated flash."""
    fs = mounted(board.target.flash.contents())
    return [f"{folder}/{name}".lstrip("/") for folder, _, names in fs.walk("/") for name in names]


def vital(image):
    """A sector without which the file system cannot be mounted."""
    from littlefs import LittleFSError

    for sector in range(len(image) // 4096):
        try:
            mounted(image[: 4096 * sector] + bytes(4096) + image[4096 * (sector + 1) :])
        except LittleFSError:
            return sector
    raise AssertionError("none")


def test_a_damaged_file_system_is_formatted_by_a_stock_image_and_flashed_again():
    """No power cut causes such damage. The files are lost; the board stays at its prompt with the bias off."""
    with desk(firmware_files()) as board:
        board.housekeeping(starting=True)
        board.do(lambda: board.target.flash.damage(vital(board.target.flash.contents())))
        board.power_cycle()
        assert not has_main(board)
        found = []
        board.do(lambda: found.extend((files_of(board), board.target.slow_control.bias_mv)))
        assert found == [[], 0]
        assert board.flash() == 0
        assert board.housekeeping()["boot_count"] == 1


@pytest.mark.parametrize(
    ("name", "value", "output"),
    [
        ("micropython.VERSION", "1.29.0", "it has MicroPython 1.28.0, not 1.29.0"),
        ("constants", lambda _: PICO_W, "not a Raspberry Pi Pico W with RP2040"),
    ],
)
def test_another_board_or_micropython_is_rejected_and_resumes(board, written, monkeypatch, capsys, name, value, output):
    monkeypatch.setattr(f"dorn.flash.flashing.{name}", value)
    assert board.flash() == 2
    assert output in capsys.readouterr().err and written.paths == []
    assert board.housekeeping(starting=True)["reset_cause"] == DICTIONARY.enums["reset_cause"]["commanded"]


def test_a_full_file_system_is_detected_before_any_change_and_is_recoverable(written, monkeypatch, capsys):
    more = {**firmware_files(), "fsw/more.mpy": bytes(99_000)}  # prepared before the board's maintenance window begins
    with desk({**firmware_files(), "filler": bytes(1_150_000)}) as board:
        monkeypatch.setattr(firmware, "files", lambda board, **options: more)
        assert board.flash() == 2
        assert "kB free" in capsys.readouterr().err and written.paths == []
        assert board.housekeeping(starting=True)["boot_count"] == 1  # it resumes unchanged
        monkeypatch.setattr(board_files, "check_room", lambda *_: None)
        assert board.flash() == 2
        assert "writing /fsw/more.mpy: its file system reports ENOSPC" in capsys.readouterr().err
        monkeypatch.setattr(firmware, "files", FILES)
        assert board.flash() == 0


@pytest.mark.parametrize(
    ("then", "output"),
    [(b"vfs.mount(rp2.Flash(), '/', readonly=True)\n", "reports EROFS"), (b"", "reports ENODEV")],
    ids=["read-only", "none"],
)
def test_a_file_system_that_cannot_be_written_is_reported(capsys, then, output):
    with desk({"boot.py": b"import rp2, vfs\nvfs.umount('/')\n" + then}) as board:
        assert board.flash() == 2
        assert output in capsys.readouterr().err


def test_a_source_file_that_hides_the_firmware_is_reported(written, capsys):
    with desk({**firmware_files(), "fsw/app.py": b"raise SystemExit\n"}) as board:
        assert board.flash() == 2
        assert "/fsw/app.py instead of the firmware's /fsw/app.mpy" in capsys.readouterr().err
        assert written.paths == []


def test_invalid_arguments_are_reported(capsys):
    assert Desk.flash(None, "--without", "commands", port="/dev/none") == 2
    assert "'commands' cannot be left out" in capsys.readouterr().err
    assert Desk.flash(None, port="/dev/none") == 2
    assert "port /dev/none: does not exist" in capsys.readouterr().err


def test_a_key_is_written_to_the_board_and_kept(board, tmp_path, capsys):
    key = Key.create(tmp_path / "flight.key")
    assert board.flash("--key", str(key.path)) == 0
    assert "1 files written" in capsys.readouterr().out or board.flash("--key", str(key.path), "--check") == 0
    assert board.flash("--key", str(key.path), "--check") == 0  # stops an instrument with a new key
    with SerialTarget(board.name) as target:
        session = Session(target)
        session.connect(60, ask=False)  # it is starting: a telecommand could contain a Ctrl-C
        with pytest.raises(CommandFailed, match="unsigned"):
            session.command("ping")
        session = Session(target, key=key)
        session.connect()
        session.command("ping")
    assert board.flash("--key", str(key.path), "--check") == 0  # stops it with a known key
    board.do(board.target.power_cycle)
    key_hex = key.board_file.hex()
    output = capsys.readouterr()
    assert key_hex[2:] not in output.out + output.err
