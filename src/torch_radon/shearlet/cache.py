"""Filter banks on disk, one file each, named after what defines them."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, fields
from hashlib import sha256
from pathlib import Path
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np

from torch_radon.shearlet.bank import FilterBank, make_bank
from torch_radon.shearlet.system import ShearletSystem

# Changes whenever the same definition makes another bank, or keeps it otherwise.
_FORMAT = 1


def load_or_make(system: ShearletSystem, folder: str | os.PathLike[str] | None) -> FilterBank:
    """Take a bank from a folder, or compute it and put it there.

    A file appears whole or not at all, and one that cannot be read is replaced.

    Parameters
    ----------
    system : ShearletSystem
    folder : str, path or None
        Made if it does not exist. None computes the bank and keeps nothing.

    Returns
    -------
    FilterBank

    Raises
    ------
    TypeError
        If `folder` is no path.
    OSError
        If the bank is not in the folder and cannot be written to it.
    """
    if folder is None:
        return make_bank(system)
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"cache must be a folder or None, got {type(folder).__name__}")
    identity = json.dumps({"format": _FORMAT, **asdict(system)})
    path = Path(folder) / f"shearlets-{sha256(identity.encode()).hexdigest()[:32]}.npz"
    bank = _load(path)
    if bank is None:
        bank = make_bank(system)
        _store(path, bank)
    return bank


def _load(path: Path) -> FilterBank | None:
    try:
        # Opened here, for NumPy leaves a file open that it cannot read.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays = {field.name: content[field.name] for field in fields(FilterBank)}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return None
    return FilterBank(**{**arrays, "columns": int(arrays["columns"])})


def _store(path: Path, bank: FilterBank) -> None:
    temporary = path.with_name(f".{uuid4().hex}.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(temporary, **asdict(bank))
        # Atomic, so that another process sees the old file or all of the new one.
        os.replace(temporary, path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise OSError(
            f"cache: the filters cannot be kept in {path.parent} ({error.strerror or error}); "
            "name a folder that can be written to, or None"
        ) from error
