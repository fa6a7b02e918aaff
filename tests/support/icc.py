"""Colour profiles written byte by byte, and what their colours are in sRGB, computed without LittleCMS."""

import struct

import numpy as np

WHITE = np.array([0.9642, 1.0, 0.8249])  # D50
# Columns: the primaries in XYZ under D50.
SRGB = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
DISPLAY_P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
PROPHOTO = np.array([[0.79767, 0.13519, 0.03134], [0.28804, 0.71188, 0.00008], [0.0, 0.0, 0.82521]])
# Corners C, M, Y, K of an invented press: CIELAB of each, the last index running fastest.
PRESS = {
    (0, 0, 0, 0): (100, 0, 0),
    (1, 0, 0, 0): (55, -36, -49),
    (0, 1, 0, 0): (48, 73, -3),
    (0, 0, 1, 0): (89, -5, 92),
    (1, 1, 0, 0): (24, 17, -45),
    (1, 0, 1, 0): (50, -66, 26),
    (0, 1, 1, 0): (47, 67, 48),
    (1, 1, 1, 0): (23, 0, 0),
}
BLACK = (0, 0, 0)


def matrix_profile(primaries: np.ndarray, gamma: float) -> bytes:
    tags = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries.T, strict=True)}
    tags |= {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def grey_profile(gamma: float) -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _curve(gamma)})


def press_profile() -> bytes:
    """CMYK with two points to an axis: straight between the corners."""
    grid = bytearray()
    for corner in np.ndindex(2, 2, 2, 2):
        lightness, a, b = BLACK if corner[3] else PRESS[(*corner[:3], 0)]
        grid += bytes([round(lightness * 2.55), a + 128, b + 128])
    identity = b"".join(struct.pack(">i", 65536 * (i % 4 == 0)) for i in range(9))
    ramp = bytes(range(256))
    lut = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + bytes(grid) + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def rgb_in_srgb(colour: tuple[int, int, int], primaries: np.ndarray, gamma: float) -> np.ndarray:
    return _srgb(primaries @ (np.array(colour) / 255) ** gamma)


def grey_in_srgb(level: int, gamma: float) -> np.ndarray:
    return _srgb(WHITE * (level / 255) ** gamma)


def lab_in_srgb(lab: tuple[float, float, float]) -> np.ndarray:
    f = (lab[0] + 16) / 116
    f = np.array([f + lab[1] / 500, f, f - lab[2] / 200])
    return _srgb(WHITE * np.where(f > 6 / 29, f**3, (f - 4 / 29) * 3 * (6 / 29) ** 2))


def _srgb(xyz: np.ndarray) -> np.ndarray:
    linear = np.clip(np.linalg.inv(SRGB) @ xyz, 0, 1)
    return 255 * np.where(linear > 0.0031308, 1.055 * linear ** (1 / 2.4) - 0.055, 12.92 * linear)


def _xyz(values: np.ndarray) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _curve(gamma: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = tags | {
        b"wtpt": _xyz(WHITE),
        b"cprt": b"text" + bytes(4) + b"none\0",
        b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
    }
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = start + len(body)
    header = struct.pack(">I4sI4s4s4s", size, b"\0\0\0\0", 0x02400000, kind, space, connection) + bytes(12) + b"acsp"
    header = header.ljust(68, b"\0") + b"".join(struct.pack(">i", round(value * 65536)) for value in WHITE)
    return header.ljust(128, b"\0") + table + body
