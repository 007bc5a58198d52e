"""Shearlets by AlphaTransform, in NumPy float64.

Its bank for real images is not even at the Nyquist frequency of an even size; `symmetrised` mends
that, so that it says what the bank should be at every size.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

with warnings.catch_warnings():
    # Its docstrings have escape sequences that newer versions of Python warn of.
    warnings.simplefilter("ignore")
    from alpha_transform import AlphaShearletTransform
    from alpha_transform.fourier_util import my_ifft_shift

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

CONES = {
    "horizontal": "h",
    "vertical": "v",
    "right": "r",
    "top": "t",
    "left": "l",
    "bottom": "b",
}


def alpha_transform(
    width: int, height: int, alphas: Sequence[float], *, real: bool, parseval: bool
) -> AlphaShearletTransform:
    """The peer itself; its path by FFTW overwrites coefficients."""
    return AlphaShearletTransform(
        width, height, list(alphas), real=real, parseval=parseval, use_fftw=False, verbose=False
    )


def bank(peer: AlphaShearletTransform) -> Array:
    """Its filters, (F, H, W) in the order of the discrete Fourier transform."""
    return np.stack([my_ifft_shift(spectrum) for spectrum in peer.spectrograms])


def mirrored(spectra: Array) -> Array:
    """Spectra at negative frequencies."""
    return np.roll(spectra[..., ::-1, ::-1], 1, axis=(-2, -1))


def is_even(spectra: Array) -> bool:
    """Whether spectra are even to rounding."""
    return bool(abs(spectra - mirrored(spectra)).max() < 1e-14)


def symmetrised(
    width: int, height: int, alphas: Sequence[float], *, real: bool, parseval: bool
) -> Array:
    """Our definition, from its filters before normalisation."""
    spectra = bank(alpha_transform(width, height, alphas, real=real, parseval=False))
    if real:
        spectra = (spectra + mirrored(spectra)) / 2
    return spectra / np.sqrt((spectra**2).sum(axis=0)) if parseval else spectra


def analyse(spectra: Array, image: Array) -> Complex:
    """Coefficients by full complex transforms of NumPy, (F, H, W)."""
    return np.fft.ifft2(spectra * np.fft.fft2(image))
