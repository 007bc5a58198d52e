"""Line integrals to counts and back, against the formula in NumPy float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import torch_radon as tr
from measures import double, relative_max
from torch_radon.physics import bowtie, counts_to_lines, lines_to_counts

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 5), (0, 7, 5), (3, 7, 5), (2, 3, 7, 4, 5)])
def test_both_ways(
    device: str, generator: torch.Generator, dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    lines = (4 * torch.rand(shape, generator=generator, dtype=torch.float64)).to(device, dtype)
    photons = 1e4 * (0.5 + torch.rand(shape[-1], generator=generator, dtype=torch.float64))
    counts = lines_to_counts(lines, photons.to(device))
    tolerance = 1e-14 if dtype == torch.float64 else 4e-7
    assert counts.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    assert counts.shape == lines.shape
    expected = photons.numpy() * np.exp(-double(lines))
    np.testing.assert_allclose(double(counts), expected, rtol=tolerance)
    back = counts_to_lines(counts, photons.to(device))
    np.testing.assert_allclose(double(back), double(lines), rtol=0, atol=10 * tolerance)


def test_intensity_of_view_and_column(device: str) -> None:
    lines = torch.zeros(2, 3, 4, device=device)
    view = torch.tensor([[1.0], [2.0], [3.0]], device=device)
    column = torch.tensor([1.0, 10.0, 100.0, 1000.0], device=device)
    counts = lines_to_counts(lines, view * column)
    assert counts[1].tolist() == (view * column).tolist()
    assert lines_to_counts(lines, view)[0, :, 0].tolist() == [1.0, 2.0, 3.0]
    assert lines_to_counts(lines, torch.tensor(5)).unique().tolist() == [5.0]


def test_strides(device: str, generator: torch.Generator) -> None:
    lines = torch.rand(5, 7, 3, generator=generator).to(device)
    turned = lines.transpose(0, 2)
    assert torch.equal(lines_to_counts(turned, 10.0), lines_to_counts(turned.contiguous(), 10.0))


@pytest.mark.parametrize("floor", [1.0, 0.1])
def test_the_logarithm_is_guarded(device: str, floor: float) -> None:
    counts = torch.tensor([[50.0, 0.0, -7.0, floor / 2]], device=device, requires_grad=True)
    lines = counts_to_lines(counts, 100.0, floor=floor)
    expected = [np.log(2), *[np.log(100 / floor)] * 3]
    np.testing.assert_allclose(double(lines)[0], expected, rtol=1e-6)
    lines.sum().backward()
    assert counts.grad is not None
    np.testing.assert_allclose(double(counts.grad)[0], [-1 / 50, 0, 0, 0], rtol=1e-6)


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    lines = torch.rand(2, 3, generator=generator, dtype=torch.float64).to(device)
    photons = (10 + torch.rand(3, generator=generator, dtype=torch.float64)).to(device)
    lines.requires_grad_()
    photons.requires_grad_()
    assert torch.autograd.gradcheck(lines_to_counts, (lines, photons))
    counts = lines_to_counts(lines, photons).detach().requires_grad_()
    assert torch.autograd.gradcheck(counts_to_lines, (counts, photons))
    assert torch.autograd.gradgradcheck(counts_to_lines, (counts, photons))


@pytest.mark.parametrize("beam", ["parallel", "flat", "curved"])
def test_bowtie_makes_a_disc_of_water_even(beam: str) -> None:
    """Behind filter and disc all rays that meet the disc are equal; the others are weaker."""
    angles = [0.3, 1.7]
    if beam == "parallel":
        scan = tr.parallel_beam(angles, 41, 3.0)
        distance = np.abs(np.arange(41) - 20) * 3.0
    else:
        scan = tr.fan_beam(
            angles, 41, 3.0, source_distance=150.0, detector_distance=50.0, curved=beam == "curved"
        )
        u = (np.arange(41) - 20) * 3.0
        turn = u / 200.0 if beam == "curved" else np.arctan(u / 200.0)
        distance = np.abs(150.0 * np.sin(turn))
    intensity = bowtie(scan, 1e4, 40.0, 0.02, dtype=torch.float64)
    assert intensity.shape == scan.shape
    chord = 2 * np.sqrt(np.maximum(1600 - distance**2, 0))
    behind = double(intensity) * np.exp(-0.02 * chord)
    np.testing.assert_allclose(behind, 1e4 * np.exp(-1.6), rtol=1e-12)
    assert relative_max(intensity[:, 20], np.full(2, 1e4)) < 1e-12
    assert bowtie(scan, 1e4, 40.0, 0.0).unique().tolist() == [1e4]


def test_data_line_integrals_agree() -> None:
    """The way over raw counts with dark and flat fields gives the same."""
    lines = torch.linspace(0, 3, 12, dtype=torch.float64).reshape(3, 1, 4)
    photons = torch.tensor([800.0, 900.0, 1000.0, 1100.0], dtype=torch.float64)
    gain, dark = 0.4, 50.0
    readings = tr.data.Readings(
        gain * lines_to_counts(lines, photons) + dark,
        (gain * photons + dark).expand(2, 1, 4),
        torch.full((2, 1, 4), dark, dtype=torch.float64),
        torch.zeros(3, dtype=torch.float64),
    )
    torch.testing.assert_close(tr.data.line_integrals(readings).sinograms[0], lines[:, 0])


@pytest.mark.parametrize("photons", [0.0, -1.0, float("nan"), float("inf")])
def test_bad_photons(device: str, photons: float) -> None:
    lines = torch.zeros(2, 3, device=device)
    with pytest.raises(ValueError, match=r"photons must be (positive|finite)"):
        lines_to_counts(lines, photons)
    several = torch.tensor([1.0, photons, 1.0], device=device)
    with pytest.raises(
        ValueError, match=r"photons must be finite and positive, got .* at index \(1,\) \(1 such"
    ):
        counts_to_lines(lines, several)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_bad_values(device: str, value: float) -> None:
    bad = torch.tensor([[0.0, 1.0], [2.0, value]], device=device)
    with pytest.raises(ValueError, match=r"lines must be finite, got .* at index \(1, 1\) \(1 s"):
        lines_to_counts(bad, 10.0)
    with pytest.raises(ValueError, match="counts must be finite"):
        counts_to_lines(bad, 10.0)
    assert lines_to_counts(bad, 10.0, check=False).shape == (2, 2)


def test_bad_arguments() -> None:
    lines = torch.zeros(2, 3)
    with pytest.raises(
        TypeError, match=r"lines must be of a real floating-point type, got torch\.i"
    ):
        lines_to_counts(lines.int(), 1.0)
    with pytest.raises(TypeError, match=r"lines must be a torch\.Tensor, got list"):
        lines_to_counts([1.0], 1.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="photons must be a number"):
        lines_to_counts(lines, "many")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"photons must be real numbers, got torch\.complex64"):
        lines_to_counts(lines, torch.ones(3, dtype=torch.complex64))
    for shape in ((2,), (4, 2, 3)):
        with pytest.raises(ValueError, match=r"photons must broadcast to .* \(2, 3\), as"):
            lines_to_counts(lines, torch.ones(shape))
    with pytest.raises(ValueError, match="photons must be on cpu"):
        lines_to_counts(lines, torch.ones(3, device="meta"))
    with pytest.raises(ValueError, match="floor must be positive"):
        counts_to_lines(lines, 1.0, floor=0.0)
    with pytest.raises(TypeError, match="scan must be a Scan, got list"):
        bowtie([0.0], 1.0, 1.0, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="attenuation must not be negative"):
        bowtie(tr.parallel_beam([0.0], 3), 1.0, 1.0, -1.0)
