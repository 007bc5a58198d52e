"""Files that appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from torch_radon.data.errors import DataError


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary name beside `path`; rename it to `path` on success, else remove it.

    The rename is atomic because both names are in one folder: a reader sees the old file or the
    whole new one, and an interrupted run leaves nothing behind.

    Parameters
    ----------
    path : str or path
        The name under which the file is to appear; a file of that name is replaced.

    Yields
    ------
    Path
        Where to write. It has the suffix of `path`.

    Raises
    ------
    DataError
        If the folder does not exist or cannot be written to, or `path` is a folder.

    Examples
    --------
    >>> from torch_radon.data.atomic import replacing
    >>> path = getfixture("tmp_path") / "notes.txt"
    >>> with replacing(path) as temporary:
    ...     _ = temporary.write_text("all of it")
    ...     path.exists()
    False
    >>> path.read_text()
    'all of it'
    """
    path = Path(path)
    check_writable(path)
    temporary = path.with_name(f".{path.stem}-{uuid4().hex}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise if a file cannot be written at `path`, before any work is done for it.

    Parameters
    ----------
    path : str or path
        The file to be written.

    Raises
    ------
    DataError
        If its folder does not exist, is not a folder or cannot be written to, or if `path` is
        itself a folder.

    Examples
    --------
    >>> from torch_radon.data import DataError
    >>> from torch_radon.data.atomic import check_writable
    >>> try:
    ...     check_writable("nowhere/image.npy")
    ... except DataError as error:
    ...     print(error)
    nowhere/image.npy: folder nowhere does not exist
    """
    path = Path(path)
    folder = path.parent
    if path.is_dir():
        raise DataError(f"{path}: is a folder, give the name of a file")
    if not folder.exists():
        raise DataError(f"{path}: folder {folder} does not exist")
    if not folder.is_dir():
        raise DataError(f"{path}: {folder} is not a folder")
    if not os.access(folder, os.W_OK):
        raise DataError(f"{path}: no permission to write to folder {folder}")
