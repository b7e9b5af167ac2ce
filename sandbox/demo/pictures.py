"""Small pictures, made on demand: each colour is another file."""

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png(red: int, green: int, blue: int, side: int = 8) -> bytes:
    """Draw a square of one colour as a PNG."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return SIGNATURE + b"".join(_chunk(kind, content) for kind, content in chunks)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
