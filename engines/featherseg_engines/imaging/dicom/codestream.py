"""The size a compressed frame says of itself, read before any decoder believes it."""

JPEG_FRAMES = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
"""Start-of-frame markers (ITU-T T.81 table B.1; F7 is JPEG-LS, T.87)."""
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def coded_size(data: bytes) -> tuple[int, int] | None:
    """(rows, columns) in the header of a JPEG, JPEG-LS or JPEG 2000 frame; None where there is no header."""
    if data[:4] == b"\xff\x4f\xff\x51":
        return _jpeg2000(data, 0)
    if data[:2] == b"\xff\xd8":
        return _jpeg(data)
    at = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    return _jpeg2000(data, at) if at >= 0 else None


def precision(data: bytes) -> int:
    """Bits a sample in the header of a JPEG or JPEG-LS frame; 0 where there is none."""
    at = _frame_at(data)
    return data[at + 4] if at >= 0 else 0


def _jpeg2000(data: bytes, at: int) -> tuple[int, int] | None:
    """Image and tile size (SIZ, ITU-T T.800 A.5.1): extent less offset."""
    if len(data) < at + 24:
        return None
    right, bottom, left, top = (
        int.from_bytes(data[at + 8 + 4 * i : at + 12 + 4 * i], "big") for i in range(4)
    )
    return bottom - top, right - left


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = _frame_at(data)
    if at < 0:
        return None
    return int.from_bytes(data[at + 5 : at + 7], "big"), int.from_bytes(data[at + 7 : at + 9], "big")


def _frame_at(data: bytes) -> int:
    """Where the start-of-frame marker lies, -1 where there is none."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return -1
        marker = data[at + 1]
        if marker in JPEG_FRAMES:
            return at
        if marker == 0xFF:
            at += 1
        elif marker in WITHOUT_LENGTH:
            at += 2
        else:
            at += 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
    return -1
