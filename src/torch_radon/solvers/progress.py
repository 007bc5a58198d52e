"""A progress bar with a live residual."""

from __future__ import annotations

import time

from torch import Tensor
from tqdm.auto import tqdm

from torch_radon.solvers.problem import is_readable

# Seconds between two readings of the residual, each of which waits for the device.
_REFRESH = 0.2


class Progress:
    """A tqdm bar over iterations; it shows the largest residual of the batch.

    Parameters
    ----------
    total : int
        Iterations.
    """

    def __init__(self, total: int) -> None:
        self._bar = tqdm(total=total)
        self._read = -_REFRESH

    def update(self, residual: Tensor) -> None:
        """Count an iteration, and read its residuals ``(N,)`` now and then."""
        now = time.monotonic()
        if now - self._read >= _REFRESH and residual.numel() and is_readable(residual):
            self._read = now
            self._bar.set_postfix_str(f"residual {float(residual.max()):.3g}", refresh=False)
        self._bar.update()

    def close(self) -> None:
        """Leave the bar as it stands."""
        self._bar.close()
