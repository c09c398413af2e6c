"""Columns: readings of one sensor packed into bytes, about two bytes each at a minute's interval with ragged times.

Instants become differences from their usual step, values differences from the one before; each in the narrowest
integers that hold them, laid out plane by plane and deflated. Standard library only; order is (instant, value).
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

_HEAD = struct.Struct("<BBBHqiq")
"""Scale code, width of instants, width of values, count, first instant, first value, usual step."""

_WIDTHS = ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
_TYPECODES = dict(_WIDTHS)
_SCALES = (1, 1000)


def pack(instants: Sequence[int], values: Sequence[int]) -> bytes:
    """Bytes of at most 65,535 readings, sorted by instant; empty columns are empty bytes."""
    if not instants:
        return b""
    code = 1 if all(at % 1000 == 0 for at in instants) else 0
    scaled = [at // _SCALES[code] for at in instants]
    steps = list(map(sub, scaled[1:], scaled))
    usual = sorted(steps)[len(steps) // 2] if steps else 0
    uneven = [step - usual for step in steps]
    changes = list(map(sub, values[1:], values))
    instant_width, instant_planes = _planes(uneven)
    value_width, value_planes = _planes(changes)
    head = _HEAD.pack(code, instant_width, value_width, len(instants), scaled[0], values[0], usual)
    return head + zlib.compress(instant_planes + value_planes, 6)


def unpack(body: bytes) -> tuple[list[int], list[int]]:
    """The instants and values that `pack` was given."""
    if not body:
        return [], []
    code, instant_width, value_width, count, first, first_value, usual = _HEAD.unpack_from(body)
    planes = zlib.decompress(body[_HEAD.size :])
    edge = (count - 1) * instant_width
    uneven = _from_planes(planes[:edge], instant_width)
    changes = _from_planes(planes[edge:], value_width)
    instants = list(accumulate((usual + step for step in uneven), initial=first))
    if code:
        instants = [at * _SCALES[code] for at in instants]
    return instants, list(accumulate(changes, initial=first_value))


def _planes(numbers: list[int]) -> tuple[int, bytes]:
    """The numbers in the narrowest width, all first bytes, then all second bytes …"""
    bound = max(map(abs, numbers), default=0)
    width = next(width for width, _ in _WIDTHS if bound < 1 << (8 * width - 1))
    data = _little_endian(array(_TYPECODES[width], numbers)).tobytes()
    return width, b"".join(data[plane::width] for plane in range(width))


def _from_planes(data: bytes, width: int) -> "array[int]":
    count = len(data) // width
    woven = bytearray(len(data))
    for plane in range(width):
        woven[plane::width] = data[plane * count : (plane + 1) * count]
    return _little_endian(array(_TYPECODES[width], bytes(woven)))


def _little_endian(numbers: "array[int]") -> "array[int]":
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers
