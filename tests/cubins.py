"""What the assembler and the image of a kernel say about it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

_PROPERTIES = re.compile(
    r"Function properties for (\S+)\n"
    r"[^\n]*?(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads\n"
    r"[^\n]*?Used (\d+) registers"
)
_NO_BITS = 8
_KERNEL_PARAMETER = 0x17
_WITH_SIZE = 4


class Resources(NamedTuple):
    """What a kernel takes, a thread, in bytes unless it says otherwise."""

    stack: int
    spill_stores: int
    spill_loads: int
    registers: int


def resources(log: str) -> dict[str, Resources]:
    """Read what ``ptxas -v`` says about each symbol."""
    return {symbol: Resources(*map(int, numbers)) for symbol, *numbers in _PROPERTIES.findall(log)}


def parameter_sizes(image: bytes) -> dict[str, list[int]]:
    """Read the size in bytes of each parameter of each kernel from an image."""
    sizes = {}
    for name, content in _sections(image):
        if name.startswith(".nv.info."):
            parameters = sorted(
                struct.unpack("<IHHI", value)[1:]
                for attribute, value in _attributes(content)
                if attribute == _KERNEL_PARAMETER
            )
            sizes[name.removeprefix(".nv.info.")] = [word >> 18 for _, _, word in parameters]
    return sizes


def _sections(image: bytes) -> Iterator[tuple[str, bytes]]:
    (table,) = struct.unpack_from("<Q", image, 0x28)
    size, count, names = struct.unpack_from("<HHH", image, 0x3A)
    headers = [struct.unpack_from("<IIQQQQ", image, table + i * size) for i in range(count)]
    for name, kind, _, _, start, length in headers:
        first = headers[names][4] + name
        title = image[first : image.index(b"\0", first)].decode()
        yield title, b"" if kind == _NO_BITS else image[start : start + length]


def _attributes(content: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while place < len(content):
        form, attribute, size = struct.unpack_from("<BBH", content, place)
        place += 4
        # Other forms have their value in the place of the size.
        if form == _WITH_SIZE:
            yield attribute, content[place : place + size]
            place += size
