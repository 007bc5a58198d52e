"""The error of everything that is wrong with a file or with what was measured."""

from __future__ import annotations


class DataError(ValueError):
    """A file or its content cannot be used; the message names the file, the dataset and the remedy.

    Raised by readers, writers, preprocessing and centre finding. The command line turns it into
    one line and exit code 1.

    Examples
    --------
    >>> from torch_radon.data import DataError, open_data_exchange
    >>> try:
    ...     open_data_exchange("missing.h5")
    ... except DataError as error:
    ...     print(error)
    missing.h5: no such file
    """
