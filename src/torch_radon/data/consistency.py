"""How well sinograms agree with a rotation axis: the Helgason-Ludwig conditions as a likelihood."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Harmonics that the angles cannot tell from lower ones add nothing: relative size of the rest.
_INDEPENDENT = 1e-6
# Residuals are compared down to this fraction of the energy, where rounding takes over.
_ROUNDING = 1e-13


class MomentConsistency:
    r"""Misfit of parallel-beam sinograms to the Helgason-Ludwig conditions about a trial axis.

    Let :math:`q_m(t) = \int p(t, s)\, P_m((s - c) / R)\, ds` be the moment of degree m of the
    projection at angle t with Legendre's polynomial :math:`P_m`; R is the width of the detector,
    which covers it from every axis on it. If c is where the rotation axis
    projects to, :math:`q_m` is a trigonometric polynomial that contains only the harmonics
    :math:`n \le m` with n + m even. With :math:`r_m` the energy of what least squares leaves of
    :math:`q_m` and :math:`\nu_m` the number of views less the number of harmonics fitted,

    .. math:: L(c) = \sum_m \nu_m \ln r_m(c)

    is, up to constants, minus twice the logarithm of the likelihood when each moment has noise of
    unknown variance. Moments that real data violate (a drifting beam, scatter) thereby weigh less.

    Everything that depends on the views is reduced to small triangular matrices once, so that one
    evaluation costs a few products of ``(degree + 1)`` square matrices, whatever the scan's size.

    Parameters
    ----------
    sinograms : ndarray
        Shape ``(rows, views, columns)``, float64.
    angles : ndarray
        Radians, shape ``(views,)``, in any order and with any gaps.
    degree : int
        Largest degree m.
    invariant : bool
        Ignore whatever is constant along a view (beam fluctuations) or along a column over all
        views (rings). This also makes the misfit insensitive to most of what truncation adds, at
        the price of several times more noise.

    References
    ----------
    .. [1] F. Natterer, *The Mathematics of Computerized Tomography*, SIAM, 2001, section II.4.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, np.pi, 40, endpoint=False)
    >>> s = np.arange(64) - 30.0 - 5 * np.cos(t)[:, None]
    >>> misfit = MomentConsistency(np.exp(-s**2 / 50)[None], t, degree=8, invariant=False)
    >>> centers = np.array([29.0, 30.0, 31.0])
    >>> int(misfit(centers).argmin())
    1
    """

    def __init__(self, sinograms: Array, angles: Array, degree: int, invariant: bool) -> None:
        rows, views, columns = sinograms.shape
        self.columns = columns
        self._positions = np.arange(columns, dtype=np.float64)
        middle = (columns - 1) / 2
        vandermonde = legendre.legvander((self._positions - middle) / (columns / 2), degree)
        self._basis = np.linalg.qr(vandermonde)[0][:, int(invariant) :]
        moments = sinograms @ self._basis

        kept: list[int] = []
        weights: list[int] = []
        factors: list[Array] = []
        harmonics = [_Harmonics(angles, odd, invariant) for odd in (0, 1)]
        for m in range(int(invariant), degree + 1):
            model = harmonics[m % 2]
            model.extend(m)
            free = views - model.size
            if free < max(3, 0.05 * views):
                break
            kept.append(m)
            weights.append(free)
            factors.append(np.stack([_factor(model.residual(moments[r])) for r in range(rows)]))
        self.degrees = np.array(kept, dtype=int)
        self._weights = np.array(weights, dtype=np.float64)
        # (degrees, rows, k, k): the residual of moment b has the energy |factor b|^2.
        self._factors = np.stack(factors) if factors else np.zeros((0, rows, 1, 1))
        self._floor = _ROUNDING * np.square(moments).sum(axis=(1, 2)) + np.finfo(float).tiny

    @property
    def freedom(self) -> float:
        """Sum of the weights over moments and rows: the scale of differences of the misfit."""
        return float(self._weights.sum() * len(self._floor))

    def __call__(self, centers: Array) -> Array:
        """Return L at each trial axis, given as a column index."""
        return np.array([self._misfit(center) for center in centers])

    def _misfit(self, center: float) -> float:
        scaled = (self._positions - center) / self.columns
        polynomials = self._basis.T @ legendre.legvander(scaled, int(self.degrees[-1]))
        polynomials = polynomials[:, self.degrees]
        polynomials /= np.linalg.norm(polynomials, axis=0)
        left = np.einsum("mrij,jm->mri", self._factors, polynomials)
        energy = np.square(left).sum(axis=2) + self._floor
        return float(self._weights @ np.log(energy).sum(axis=1))


class _Harmonics:
    """A growing orthonormal basis of the even or the odd harmonics at given angles."""

    def __init__(self, angles: Array, odd: int, with_constant: bool) -> None:
        self._angles = angles
        self._next = odd
        self._basis = np.empty((len(angles), 0))
        if odd and with_constant:
            self._basis = np.full((len(angles), 1), len(angles) ** -0.5)

    @property
    def size(self) -> int:
        return self._basis.shape[1]

    def extend(self, degree: int) -> None:
        """Take in all harmonics up to `degree`."""
        while self._next <= degree:
            phase = self._next * self._angles
            wave = np.stack([np.cos(phase), np.sin(phase)], axis=1)
            # Twice is enough for orthogonality to rounding.
            wave = self.residual(self.residual(wave))
            left, size, _ = np.linalg.svd(wave, full_matrices=False)
            keep = size > _INDEPENDENT * len(self._angles) ** 0.5
            self._basis = np.concatenate([self._basis, left[:, keep]], axis=1)
            self._next += 2

    def residual(self, values: Array) -> Array:
        """What the least-squares fit of the harmonics leaves of each column of `values`."""
        residual: Array = values - self._basis @ (self._basis.T @ values)
        return residual


def _factor(values: Array) -> Array:
    """The square matrix f with ``|f b| == |values b|`` for every b."""
    factor = np.asarray(np.linalg.qr(values, mode="r"), dtype=np.float64)
    short = values.shape[1] - factor.shape[0]
    return np.pad(factor, ((0, short), (0, 0))) if short else factor
