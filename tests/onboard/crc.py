# Reference implementation of the packet CRC.


def bitwise(data):
    """CRC-16/CCITT-FALSE, bit by bit."""
    crc = 0xFFFF
    for octet in data:
        crc ^= octet << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


def with_crc(packet):
    return packet + bitwise(packet).to_bytes(2, "big")
