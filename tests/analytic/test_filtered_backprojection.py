"""Filtered backprojection as a module: gradients, transpose, learning, compiling, moving."""

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import torch_radon as tr
from torch_radon.analytic import FilteredBackprojection

VOLUME = tr.Volume((9, 11), spacing=(1.0, 0.8))
T = np.linspace(0, 2 * np.pi, 12, endpoint=False)
DISTANCES: dict[str, Any] = {"source_distance": 40.0, "detector_distance": 20.0}
SCANS = {
    "parallel": tr.parallel_beam(T / 2, 14),
    "flat": tr.fan_beam(T, 10, 2.0, **DISTANCES),
    "curved": tr.fan_beam(T, 10, 2.0, curved=True, **DISTANCES),
    "short": tr.fan_beam(T[:9], 10, 2.0, curved=True, **DISTANCES),
    "half-fan": tr.fan_beam(T, 8, 2.0, detector_offset=5.0, **DISTANCES),
}
OPTIONS = {
    "plain": {},
    "cubic, extrapolated": {"interpolation": "cubic", "upsampling": 3, "extrapolation": 0.4},
    "bandlimited": {"interpolation": "bandlimited", "upsampling": 2, "cutoff": 0.8},
}
every_scan = pytest.mark.parametrize("scan", SCANS.values(), ids=SCANS.keys())
every_option = pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())


def sinogram(scan, generator, device, *batch):
    shape = (*batch, *scan.shape)
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device)


@every_scan
@every_option
def test_it_is_what_fbp_does(scan, options, generator, device):
    y = sinogram(scan, generator, device, 2, 3)
    F = FilteredBackprojection(VOLUME, scan, "hann", **options).to(device)
    A = tr.Projector(VOLUME, scan).to(device)
    expected = tr.fbp(A, y, "hann", **options)
    torch.testing.assert_close(F(y), expected, rtol=0, atol=1e-14)
    assert F.domain_shape == scan.shape
    assert F.range_shape == VOLUME.shape


@every_scan
@every_option
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-13), (torch.float32, 1e-6)])
def test_its_transpose_is_exact(scan, options, dtype, bound, device):
    F = FilteredBackprojection(VOLUME, scan, **options).to(device)
    assert tr.dot_test(F, dtype=dtype, device=device) <= bound


@every_scan
@every_option
def test_gradients_in_sinogram_filter_and_weights(scan, options, generator, device):
    A = tr.Projector(VOLUME, scan).to(device)
    y = sinogram(scan, generator, device).requires_grad_()
    response = torch.rand(8, dtype=torch.float64, generator=generator).to(device)
    weights = torch.rand(scan.shape, dtype=torch.float64, generator=generator).to(device)
    inputs = (y, response.requires_grad_(), weights.requires_grad_())

    def reconstruct(y, response, weights):
        return tr.fbp(A, y, response, weights=weights, **options)

    assert torch.autograd.gradcheck(reconstruct, inputs)
    assert torch.autograd.gradgradcheck(reconstruct, inputs)


@every_scan
def test_gradients_of_the_module(scan, generator, device):
    response = nn.Parameter(torch.rand(6, dtype=torch.float64, generator=generator))
    weights = nn.Parameter(torch.rand(scan.views, 1, dtype=torch.float64, generator=generator))
    F = FilteredBackprojection(VOLUME, scan, response, 0.9, weights=weights).to(device)
    assert F.response is response
    assert dict(F.named_parameters()).keys() == {"response", "weights"}
    y = sinogram(scan, generator, device, 2)

    def call(y, response, weights):
        state = {"response": response, "weights": weights}
        return torch.func.functional_call(F, state, (y,))

    inputs = (y.requires_grad_(), response.detach().clone(), weights.detach().clone())
    assert torch.autograd.gradcheck(call, tuple(x.requires_grad_() for x in inputs))


@every_scan
def test_the_right_weights_may_be_given(scan, generator, device):
    y = sinogram(scan, generator, device)
    A = tr.Projector(VOLUME, scan).to(device)
    own = torch.from_numpy(tr.analytic.redundancy_weights(scan)).to(device)
    expected = tr.fbp(A, y)
    actual = tr.fbp(A, y, weights=own)
    torch.testing.assert_close(actual, expected, rtol=1e-9, atol=1e-12)


@every_scan
def test_functional_transforms(scan, generator, device):
    y = sinogram(scan, generator, device, 3)
    F = FilteredBackprojection(VOLUME, scan, interpolation="cubic").to(device)
    torch.testing.assert_close(torch.vmap(F)(y), F(y))
    tangent = torch.func.jvp(F, (y,), (0.5 * y,))[1]
    torch.testing.assert_close(tangent, 0.5 * F(y))


@every_scan
@pytest.mark.parametrize("learnable", [False, True])
def test_it_compiles_whole(scan, learnable, generator, device):
    F = FilteredBackprojection(VOLUME, scan, "hann", learnable=learnable).double().to(device)
    y = sinogram(scan, generator, device, 2).requires_grad_()
    torch._dynamo.reset()
    compiled = torch.compile(F, fullgraph=True, backend="aot_eager")
    with warnings.catch_warnings():
        # torch's own compiler still uses torch.jit, and says that it does not fuse complex numbers.
        warnings.simplefilter("ignore")
        image = compiled(y)
        (gradient,) = torch.autograd.grad(image.square().sum(), y)
    torch.testing.assert_close(image, F(y))
    (expected,) = torch.autograd.grad(F(y).square().sum(), y)
    torch.testing.assert_close(gradient, expected)


@every_scan
def test_a_change_of_type_rounds_nothing(scan, generator, device):
    y = sinogram(scan, generator, device)
    F = FilteredBackprojection(VOLUME, scan).to(device)
    expected = F(y)
    for other in (copy.deepcopy(F).to(torch.bfloat16), copy.deepcopy(F).half().double()):
        assert torch.equal(other(y), expected)
    assert torch.equal(pickle.loads(pickle.dumps(F))(y), expected)


def test_only_what_is_learned_is_saved(device):
    fixed = FilteredBackprojection(VOLUME, SCANS["flat"])
    assert not list(fixed.parameters())
    assert not fixed.state_dict()
    learned = FilteredBackprojection(VOLUME, SCANS["flat"], learnable=True)
    assert set(learned.state_dict()) == {"response"}
    other = FilteredBackprojection(VOLUME, SCANS["flat"], "hann", learnable=True)
    other.load_state_dict(learned.state_dict())
    y = torch.ones(SCANS["flat"].shape)
    assert torch.equal(other(y), learned(y))
    torch.testing.assert_close(learned(y), fixed(y), rtol=1e-5, atol=1e-6)


@every_scan
def test_a_learned_filter_finds_the_ramp_again(scan, device):
    phantom = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (1, -1), (3, 2))])
    y = phantom.project(scan, dtype=torch.float64, device=device)
    target = FilteredBackprojection(VOLUME, scan).to(device)(y)
    response = nn.Parameter(torch.zeros(30, dtype=torch.float64))
    F = FilteredBackprojection(VOLUME, scan, response).to(device)
    optimizer = torch.optim.LBFGS(F.parameters(), max_iter=80, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (F(y) - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert closure() < 1e-2 * target.square().mean()


@pytest.mark.parametrize("batch", [(), (0,), (3,), (2, 0), (2, 3)])
def test_any_batch_both_ways(batch, generator, device):
    scan = SCANS["half-fan"]
    F = FilteredBackprojection(VOLUME, scan).to(device)
    y = sinogram(scan, generator, device, *batch).requires_grad_()
    image = F(y)
    assert image.shape == (*batch, *VOLUME.shape)
    assert F.T(image).shape == y.shape
    image.sum().backward()
    assert y.grad is not None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_half_precision_is_storage(dtype, generator, device):
    scan = SCANS["flat"]
    y = sinogram(scan, generator, device).to(dtype)
    exact = FilteredBackprojection(VOLUME, scan).to(device)(y.double())
    single = FilteredBackprojection(VOLUME, scan, out_dtype=torch.float32).to(device)(y)
    assert single.dtype is torch.float32
    assert (single.double() - exact).abs().max() <= 2e-6 * exact.abs().max()
    assert FilteredBackprojection(VOLUME, scan).to(device)(y).dtype is dtype


def test_repeated_calls_do_not_build_again(monkeypatch):
    scan = tr.fan_beam(T, 10, 2.0, source_distance=41.0, detector_distance=20.0)
    A = tr.Projector(VOLUME, scan)
    y = torch.ones(scan.shape)
    with torch.inference_mode():
        first = tr.fbp(A, y)
    monkeypatch.setattr(FilteredBackprojection, "__init__", None)
    assert torch.equal(tr.fbp(A, y), first)
    # Tables made for inference serve gradients as well.
    tr.fbp(A, y.requires_grad_()).sum().backward()


BAD = {
    "no volume": (lambda: FilteredBackprojection(3, SCANS["flat"]), TypeError, "volume must be"),  # type: ignore[arg-type]
    "no scan": (lambda: FilteredBackprojection(VOLUME, VOLUME), TypeError, "scan must be a Scan"),  # type: ignore[arg-type]
    "constant filter": (
        lambda: FilteredBackprojection(VOLUME, SCANS["flat"], torch.ones(4, requires_grad=True)),
        ValueError,
        "filter requires a gradient",
    ),
    "constant weights": (
        lambda: FilteredBackprojection(
            VOLUME, SCANS["flat"], weights=torch.ones(1, 10, requires_grad=True)
        ),
        ValueError,
        "weights requires a gradient",
    ),
    "weights": (
        lambda: FilteredBackprojection(VOLUME, SCANS["flat"], weights=torch.ones(11)),
        ValueError,
        r"weights must broadcast to \(views, columns\) = \(12, 10\), got shape \(11,\)",
    ),
    "parameter": (
        lambda: FilteredBackprojection(VOLUME, SCANS["flat"], nn.Parameter(torch.ones(1))),
        ValueError,
        "filter must be a 1-D tensor of at least 2 values",
    ),
    "shape": (
        lambda: FilteredBackprojection(VOLUME, SCANS["flat"])(torch.ones(10, 12)),
        ValueError,
        r"shape \(\.\.\., 12, 10\), got \(10, 12\)",
    ),
    "integers": (
        lambda: FilteredBackprojection(VOLUME, SCANS["flat"])(torch.ones(12, 10).int()),
        TypeError,
        "torch.int32",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
