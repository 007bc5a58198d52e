"""Whole reconstructions: their scale, and the set-up of the TorchRadon paper in small."""

from typing import Any

import numpy as np
import pytest
import torch

import torch_radon as tr
from measures import relative_l2
from torch_radon import solvers
from torch_radon.linear import RampFilter
from torch_radon.phantoms import shepp_logan

# Of the pixels and of the detector's columns.
SPACINGS = [0.8, 1.0, 1.25]


def _scan(beam, pixel, spacing):
    reach = 128 * pixel
    if beam == "parallel":
        return tr.parallel_beam(np.arange(180) * np.pi / 180, int(reach / spacing), spacing)
    return tr.fan_beam(
        np.arange(180) * np.pi / 90,
        int(1.3 * reach / spacing),
        spacing,
        source_distance=400.0,
        detector_distance=100.0,
    )


@pytest.mark.parametrize("pixel", SPACINGS)
@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("beam", ["parallel", "fan"])
@pytest.mark.parametrize(
    ("name", "iterations", "bound"),
    [("sirt", 50, 0.02), ("cgls", 30, 0.01), ("sart", 10, 0.01), ("mlem", 50, 0.01)],
)
def test_a_block_of_ones_is_reconstructed_as_ones(
    name, iterations, bound, beam, pixel, spacing, device
):
    """The test that ASTRA has for the scale of its reconstructions."""
    block = torch.zeros(128, 128)
    block[50:70, 50:70] = 1
    A = tr.Projector(tr.Volume((128, 128), spacing=pixel), _scan(beam, pixel, spacing)).to(device)
    y = A(block.to(device))
    x = getattr(solvers, name)(A, y, iterations=iterations).x
    assert abs(float(x[55:65, 55:65].mean()) - 1) <= bound


def _paper(size):
    """The paper's set-up at another size: as many views as rows, a detector that sees all."""
    volume = tr.Volume((size, size))
    columns = int(np.ceil(size * np.sqrt(2)))
    scan = tr.parallel_beam(np.arange(size) * np.pi / size, columns)
    image = shepp_logan(float(size)).rasterize(volume)
    return tr.Projector(volume, scan), image


def test_the_papers_set_up_at_an_eighth_of_its_size(device):
    """Mean squared errors fall as they do at 512^2, where benchmarks/solvers.py measures them."""
    A, image = _paper(64)
    A, image = A.to(device), image.to(device, torch.float32)
    y = A(image)
    errors = {}
    for name in ("landweber", "cgls"):
        found: list[float] = []

        def remember(k, x, residual, found=found):
            found.append(float((x - image).square().mean()))

        getattr(solvers, name)(A, y, iterations=100, callback=remember)
        errors[name] = np.array(found)
    fbp = float((tr.fbp(A, y) - image).square().mean())
    assert (np.diff(errors["landweber"]) <= 1e-9).all()
    assert errors["landweber"][-1] < 0.5 * fbp
    assert errors["cgls"][-1] < 0.3 * errors["landweber"][-1]


def test_ramp_filters_make_few_iterations_do(device):
    A, image = _paper(64)
    A, image = A.to(device), image.to(device, torch.float32)
    y = A(image)

    def residual(solve, iterations, **options):
        x = solve(A, y, iterations=iterations, **options).x
        return relative_l2(A(x), y)

    P = RampFilter(A.domain_shape).to(device)
    W = RampFilter(A.range_shape, axes=1).to(device)
    landweber, cgls = solvers.landweber, solvers.cgls
    assert residual(landweber, 20, preconditioner=P) < 0.8 * residual(landweber, 20)
    assert residual(landweber, 5, weights=W) < residual(landweber, 60)
    assert residual(cgls, 10, preconditioner=P) < 0.5 * residual(cgls, 10)
    assert residual(cgls, 10, weights=W) < 0.2 * residual(cgls, 10)


def test_more_subsets_go_further(device):
    A, image = _paper(32)
    A, image = A.to(device), image.to(device, torch.float64)
    y = A(image)
    distances = [
        relative_l2(solvers.os_sart(A, y, iterations=2, subsets=count).x, image)
        for count in (1, 4, 16)
    ]
    assert distances == sorted(distances, reverse=True)
    counts = torch.poisson(1000 * y, generator=torch.Generator(device).manual_seed(1))
    likelihoods = [
        float((torch.xlogy(counts, A(x)) - A(x)).sum())
        for x in (
            solvers.mlem(A, counts, iterations=2).x,
            solvers.osem(A, counts, iterations=2, subsets=4).x,
        )
    ]
    assert likelihoods[0] < likelihoods[1]


def test_one_subset_is_sirt_and_mlem(device):
    A, image = _paper(16)
    A, y = A.to(device), A.to(device)(image.to(device, torch.float64))
    torch.testing.assert_close(
        solvers.os_sart(A, y, iterations=4, subsets=1).x, solvers.sirt(A, y, iterations=4).x
    )
    torch.testing.assert_close(
        solvers.osem(A, y, iterations=4, subsets=1).x, solvers.mlem(A, y, iterations=4).x
    )


def test_poisson_weights_help_where_few_photons_come_through(device, generator):
    """A dense rod in an otherwise light disc: rays through it count a handful of photons."""
    A = tr.Projector(tr.Volume((64, 64)), tr.parallel_beam(np.arange(90) * np.pi / 90, 92)).to(
        device
    )
    rows = torch.arange(64.0) - 31.5
    away = (rows[:, None].square() + rows.square()).sqrt()
    image = torch.where(away < 28, 0.02, 0.0)
    image = torch.where((away < 28) & (rows[:, None].abs() < 3) & (rows > 8), 0.5, image)
    y = A(image.to(device, torch.float64))
    counts = torch.poisson(1e3 * torch.exp(-y.cpu()), generator=generator).clamp_min(1)
    noisy = -torch.log(counts / 1e3).to(device)
    light = (image < 0.1).to(device)

    def error(x):
        return float((x - image.to(device))[light].square().mean())

    smooth: dict[str, Any] = {"iterations": 40, "damping_operator": tr.linear.Gradient((64, 64))}
    plain = min(error(solvers.cgls(A, noisy, damping=d, **smooth).x) for d in (3.0, 10.0, 30.0))
    weighted = min(
        error(solvers.weighted_least_squares(A, noisy, photons=1e3, damping=d, **smooth).x)
        for d in (30.0, 100.0, 300.0)
    )
    assert weighted < 0.5 * plain


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_cgls_stays_where_it_has_converged(dtype, device, rng):
    """Far beyond convergence, on data that no image explains, where only rounding is left."""
    A, image = _paper(16)
    A = A.to(device)
    y = A(image.to(device, torch.float64))
    y = y + torch.from_numpy(rng.standard_normal((6, *A.range_shape))).to(device)
    options: dict[str, Any] = {"damping": 3.0, "projection_dtype": dtype}
    y = y.to(torch.promote_types(dtype, torch.float32))
    near = solvers.cgls(A, y, iterations=40, **options).x
    far = solvers.cgls(A, y, iterations=800, **options).x
    bound = {torch.float64: 1e-12, torch.float32: 1e-5, torch.float16: 1e-2}[dtype]
    assert relative_l2(far, near) < bound
