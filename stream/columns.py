"""Columns: readings of one sensor packed into bytes, one to two bytes each, ragged times and all.

Instants become what they differ from an even grid, or from their usual step where that says more; values what they
differ from the one before. Each goes into the narrowest integers that hold it, laid out plane by plane. What looks like
noise, as the low bytes of ragged milliseconds, is kept as it is; the rest is deflated, instants and values each with a
code of their own. Standard library only; order is (instant, value).
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Sequence
from itertools import accumulate, count
from operator import sub

_HEAD = struct.Struct("<BBBHqiq")
"""Flags, width of instants, width of values, count, first instant, first value, usual step."""

_IN_SECONDS, _ON_GRID, _NOISY, _TWO_CODES = 1, 2, 4, 8
"""Flags: instants are whole seconds; they lie beside a grid; their low planes are not deflated; two codes, and no zlib
header. Files from before the last three have none of them."""

_WIDTHS = ((1, "b"), (2, "h"), (4, "i"), (8, "q"))
_TYPECODES = dict(_WIDTHS)
_RAW_DEFLATE = -15
_SMALL_DEFLATE, _LITTLE_MEMORY = -9, 4
"""Huffman codes alone need no window; zlib's usual quarter of a megabyte costs more to get than the codes to make."""

RAGGED = 4_000
"""A grid fits whose instants lie beside it by so little: ms, or seconds."""

NOISE = 0.4
"""A plane of which so large a share of the bytes are different ones is not worth deflating."""


def pack(instants: Sequence[int], values: Sequence[int]) -> bytes:
    """Bytes of at most 65,535 readings, sorted by instant; empty columns are empty bytes."""
    if not instants:
        return b""
    flags = _TWO_CODES
    scaled = instants
    if not any(at % 1000 for at in instants):
        flags |= _IN_SECONDS
        scaled = [at // 1000 for at in instants]
    on_grid, usual, uneven = _uneven(scaled)
    flags |= _ON_GRID if on_grid else 0
    instant_width, instant_planes = _planes(uneven)
    value_width, value_planes = _planes(list(map(sub, values[1:], values)))
    low = instant_planes[: (instant_width - 1) * len(uneven)]
    if not low or len(set(low)) < NOISE * min(len(low), 256):
        low = b""
    else:
        flags |= _NOISY
    head = _HEAD.pack(flags, instant_width, value_width, len(instants), scaled[0], values[0], usual)
    return head + low + _deflated(instant_planes[len(low) :], value_planes)


def unpack(body: bytes) -> tuple[list[int], list[int]]:
    """The instants and values that `pack` was given."""
    if not body:
        return [], []
    flags, instant_width, value_width, length, first, first_value, usual = _HEAD.unpack_from(body)
    edge = (length - 1) * instant_width
    low = body[_HEAD.size : _HEAD.size + edge - length + 1] if flags & _NOISY else b""
    rest = body[_HEAD.size + len(low) :]
    planes = low + (zlib.decompress(rest, _RAW_DEFLATE) if flags & _TWO_CODES else zlib.decompress(rest))
    uneven = _from_planes(planes[:edge], instant_width)
    changes = _from_planes(planes[edge:], value_width)
    if flags & _ON_GRID:
        instants = [first, *map(int.__add__, uneven, count(first + usual, usual))]
    else:
        instants = list(accumulate([usual + step for step in uneven], initial=first))
    if flags & _IN_SECONDS:
        instants = [at * 1000 for at in instants]
    return instants, list(accumulate(changes, initial=first_value))


def _uneven(instants: Sequence[int]) -> tuple[bool, int, list[int]]:
    """Whether a grid fits better than steps, the usual step, and what each instant but the first differs from it."""
    if len(instants) < 2:
        return False, 0, []
    mean = (instants[-1] - instants[0]) // (len(instants) - 1)
    even = round(mean, -3) or mean  # of a clock that is only ragged, the mean is a little beside the true step
    beside = _beside_grid(instants, even)
    if max(beside) - min(beside) <= RAGGED:
        return True, even, beside
    steps = list(map(sub, instants[1:], instants))
    usual = sorted(steps)[len(steps) // 2]
    return False, usual, [step - usual for step in steps]


def _beside_grid(instants: Sequence[int], step: int) -> list[int]:
    if step == 0:
        return [at - instants[0] for at in instants[1:]]
    return list(map(sub, instants[1:], range(instants[0] + step, instants[0] + step * len(instants), step)))


def _deflated(instant_planes: bytes, value_planes: bytes) -> bytes:
    deflate = zlib.compressobj(6, zlib.DEFLATED, _SMALL_DEFLATE, _LITTLE_MEMORY, zlib.Z_HUFFMAN_ONLY)
    first = deflate.compress(instant_planes) + deflate.flush(zlib.Z_PARTIAL_FLUSH) if instant_planes else b""
    return first + deflate.compress(value_planes) + deflate.flush()


def _planes(numbers: list[int]) -> tuple[int, bytes]:
    """The numbers in the narrowest width, all first bytes, then all second bytes …"""
    lowest, highest = min(numbers, default=0), max(numbers, default=0)
    bound = max(-lowest, highest)
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
