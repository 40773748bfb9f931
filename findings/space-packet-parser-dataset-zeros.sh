#!/bin/sh
# space_packet_parser: create_dataset drops the zero octets at the end of binary parameters.
#
# Version: space_packet_parser 6.2.0 with xarray.
# Expected: a binary parameter of four octets has four octets in the dataset, as in the packets of packet_generator.
# Actual: the dataset has a numpy array of type S, which ends a value at its last octet that is not zero; nothing tells
# how many octets there were. The packets themselves are right.
# Observed output (octets of the two packets; of the same two values in the dataset):
#   [4, 4] [2, 4]
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check "space_packet_parser[xarray]==6.2.0"
cat > "$folder/definition.xml" <<'XML'
<?xml version="1.0" encoding="UTF-8"?>
<SpaceSystem xmlns="http://www.omg.org/spec/XTCE/20180204" name="test">
  <TelemetryMetaData>
    <ParameterTypeSet>
      <IntegerParameterType name="u1" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="1" encoding="unsigned"/></IntegerParameterType>
      <IntegerParameterType name="u2" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="2" encoding="unsigned"/></IntegerParameterType>
      <IntegerParameterType name="u3" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="3" encoding="unsigned"/></IntegerParameterType>
      <IntegerParameterType name="u11" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="11" encoding="unsigned"/></IntegerParameterType>
      <IntegerParameterType name="u14" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="14" encoding="unsigned"/></IntegerParameterType>
      <IntegerParameterType name="u16" signed="false"><UnitSet/><IntegerDataEncoding sizeInBits="16" encoding="unsigned"/></IntegerParameterType>
      <BinaryParameterType name="four"><UnitSet/><BinaryDataEncoding><SizeInBits><FixedValue>32</FixedValue></SizeInBits></BinaryDataEncoding></BinaryParameterType>
    </ParameterTypeSet>
    <ParameterSet>
      <Parameter name="VERSION" parameterTypeRef="u3"/>
      <Parameter name="TYPE" parameterTypeRef="u1"/>
      <Parameter name="SEC_HDR_FLG" parameterTypeRef="u1"/>
      <Parameter name="PKT_APID" parameterTypeRef="u11"/>
      <Parameter name="SEQ_FLGS" parameterTypeRef="u2"/>
      <Parameter name="SRC_SEQ_CTR" parameterTypeRef="u14"/>
      <Parameter name="PKT_LEN" parameterTypeRef="u16"/>
      <Parameter name="data" parameterTypeRef="four"/>
    </ParameterSet>
    <ContainerSet>
      <SequenceContainer name="CCSDSPacket">
        <EntryList>
          <ParameterRefEntry parameterRef="VERSION"/>
          <ParameterRefEntry parameterRef="TYPE"/>
          <ParameterRefEntry parameterRef="SEC_HDR_FLG"/>
          <ParameterRefEntry parameterRef="PKT_APID"/>
          <ParameterRefEntry parameterRef="SEQ_FLGS"/>
          <ParameterRefEntry parameterRef="SRC_SEQ_CTR"/>
          <ParameterRefEntry parameterRef="PKT_LEN"/>
          <ParameterRefEntry parameterRef="data"/>
        </EntryList>
      </SequenceContainer>
    </ContainerSet>
  </TelemetryMetaData>
</SpaceSystem>
XML
cat > "$folder/script.py" <<'SCRIPT'
import sys
from pathlib import Path

import space_packet_parser
from space_packet_parser.generators import ccsds_generator
from space_packet_parser.xarr import create_dataset

folder = Path(sys.argv[1])
header = bytes([0x00, 0x64]), bytes([0x00, 0x03])
values = b"\x01\x02\x00\x00", b"\x01\x02\x03\x04"
octets = b"".join(header[0] + bytes([0xC0, n]) + header[1] + value for n, value in enumerate(values))
(folder / "packets.bin").write_bytes(octets)
definition = space_packet_parser.load_xtce(folder / "definition.xml")
packets = [definition.parse_bytes(packet) for packet in ccsds_generator(octets)]
(dataset,) = create_dataset(folder / "packets.bin", definition).values()
found = [len(packet["data"]) for packet in packets], [len(value) for value in dataset["data"].values.tolist()]
print(*found)
sys.exit(found != ([4, 4], [2, 4]))
SCRIPT
"$folder/venv/bin/python" "$folder/script.py" "$folder"
