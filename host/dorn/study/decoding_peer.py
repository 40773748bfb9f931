"""An archive decoded by other software: every field with ccsdspy, coded spectra with libaec; `decoding` measures it.

`python -m dorn.study.decoding_peer ARCHIVE`
"""

import io
import sys
import warnings
from pathlib import Path

import ccsdspy
import imagecodecs

from dorn import exports
from dorn.dictionary import Dictionary
from dorn.link import archive

_OPTIONS = {"bitspersample": 16, "flags": imagecodecs.AEC.FLAG.DATA_PREPROCESS, "blocksize": 16, "rsi": 64}


def main(path: str) -> None:
    ccsdspy.log.setLevel("ERROR")  # otherwise it lists all sequence counts that are not in packets of this kind
    kinds: dict[int, list[bytes]] = {}
    for packet in archive.read(path):
        kinds.setdefault(packet[7] << 8 | packet[8], []).append(packet)
    for layout in Dictionary.load().telemetry.values():
        if layout.kind in kinds:
            _decode(layout, b"".join(kinds.pop(layout.kind)))


def _decode(layout, packets: bytes) -> None:
    varies = any(isinstance(field.length, str) for field in layout.fields)
    reader = ccsdspy.VariableLength if varies else ccsdspy.FixedLength
    definition = reader.from_file(str(exports.folder() / "ccsdspy" / f"{layout.name}.csv"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about missing sequence counts: packets of one kind have only some of them
        table = definition.load(io.BytesIO(packets), include_primary_header=True)
    if "coding" in table:
        for coding, count, data in zip(table["coding"], table["count"], table["data"], strict=True):
            if coding:
                imagecodecs.aec_decode(bytes(data), out=2 * int(count), **_OPTIONS)


if __name__ == "__main__":
    main(str(Path(sys.argv[1])))
