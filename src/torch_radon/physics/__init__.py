"""What happens to X-rays and in detectors: dose, noise, likelihoods, and how good an image is."""

from torch_radon.physics.beer_lambert import bowtie, counts_to_lines, lines_to_counts
from torch_radon.physics.detector import Detector
from torch_radon.physics.likelihood import (
    gaussian_nll,
    poisson_nll,
    shifted_poisson_nll,
)
from torch_radon.physics.lookup import NoiseSource, ReadingsLookup
from torch_radon.physics.lookup_table import LookupTable, compute_lookup_table
from torch_radon.physics.noise import compound_noise, gaussian_noise, poisson_noise
from torch_radon.physics.quality import psnr, rmse, rmse_hu, to_hounsfield
from torch_radon.physics.readings import add_noise, emulate_readings
from torch_radon.physics.response import afterglow, cross_talk
from torch_radon.physics.similarity import ssim
from torch_radon.physics.variances import line_variance, line_weights

__all__ = [
    "Detector",
    "LookupTable",
    "NoiseSource",
    "ReadingsLookup",
    "add_noise",
    "afterglow",
    "bowtie",
    "compound_noise",
    "compute_lookup_table",
    "counts_to_lines",
    "cross_talk",
    "emulate_readings",
    "gaussian_nll",
    "gaussian_noise",
    "line_variance",
    "line_weights",
    "lines_to_counts",
    "poisson_nll",
    "poisson_noise",
    "psnr",
    "rmse",
    "rmse_hu",
    "shifted_poisson_nll",
    "ssim",
    "to_hounsfield",
]
