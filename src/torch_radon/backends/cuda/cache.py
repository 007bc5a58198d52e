"""Compiled kernels on disk.

An entry is a file named by its key: the SHA-256 digest of its content, then the content. Entries
appear whole or not at all, and one that does not match its digest counts as absent. A folder that
cannot be used is no error: there is then nothing in the cache.
"""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from platformdirs import user_cache_dir

VARIABLE = "TORCH_RADON_CACHE_DIR"

_SUFFIX = ".kernel"


def folder() -> Path | None:
    """Return where the cache lies or will lie, or None if there is no place for it."""
    path = Path(os.environ.get(VARIABLE) or user_cache_dir("torch_radon", appauthor=False))
    # Without a home folder its name stays as it is, "~", and would be made in the working folder.
    return path if path.is_absolute() or VARIABLE in os.environ else None


def load(key: str) -> bytes | None:
    """Return the content of an entry, or None if there is no sound one."""
    place = folder()
    if place is None:
        return None
    try:
        entry = (place / (key + _SUFFIX)).read_bytes()
    except OSError:
        return None
    digest, content = entry[:32], entry[32:]
    return content if sha256(content).digest() == digest else None


def store(key: str, content: bytes) -> None:
    """Make or replace an entry, if that is possible."""
    place = folder()
    if place is None:
        return
    path = place / (key + _SUFFIX)
    temporary = place / f".{uuid4().hex}"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary.write_bytes(sha256(content).digest() + content)
        # Atomic, so that another process sees the old entry or all of the new one.
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def sizes() -> list[int]:
    """Return the size in bytes of every entry."""
    place = folder()
    if place is None:
        return []
    try:
        return [path.stat().st_size for path in place.glob("*" + _SUFFIX)]
    except OSError:
        return []


def is_writable() -> bool:
    """Whether entries can be made."""
    place = folder()
    if place is None:
        return False
    while not place.exists() and place != place.parent:
        place = place.parent
    return place.is_dir() and os.access(place, os.W_OK)
