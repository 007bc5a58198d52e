"""Filtered backprojection as a function of tensors: batches, types, gradients, errors."""

import numpy as np
import pytest
import torch

import torch_radon as tr

ANGLES = np.linspace(0, np.pi, 12, endpoint=False)
VOLUME = tr.Volume((9, 11), spacing=(1.0, 0.8))
SCAN = tr.parallel_beam(ANGLES, 14)


@pytest.fixture
def A(device):
    return tr.Projector(VOLUME, SCAN).to(device)


@pytest.fixture
def y(device, generator):
    return torch.randn(2, 3, *SCAN.shape, generator=generator, dtype=torch.float64).to(device)


@pytest.mark.parametrize("batch", [(), (1,), (5,), (2, 3), (0,), (2, 0, 3)])
def test_any_leading_dimensions(A, y, batch):
    many = y[0, 0].expand(*batch, *SCAN.shape)
    image = tr.fbp(A, many)
    assert image.shape == (*batch, *VOLUME.shape)
    expected = tr.fbp(A, y[0, 0]).expand(image.shape)
    torch.testing.assert_close(image, expected, rtol=0, atol=1e-14)


def test_a_batch_is_a_loop(A, y):
    image = tr.fbp(A, y, "hann", 0.7)
    for place in np.ndindex(2, 3):
        torch.testing.assert_close(image[place], tr.fbp(A, y[place], "hann", 0.7))


def test_strides_do_not_matter(A, y):
    expected = tr.fbp(A, y)
    columns_first = y.transpose(-1, -2).contiguous().transpose(-1, -2)
    every_other = torch.stack([y, y], -1).flatten(-2)[..., ::2]
    for view in (columns_first, every_other):
        assert not view.is_contiguous()
        torch.testing.assert_close(tr.fbp(A, view), expected)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [
        (torch.float64, 0.0),
        (torch.float32, 2e-6),
        (torch.float16, 1e-3),
        (torch.bfloat16, 8e-3),
    ],
)
def test_the_type_of_the_data_is_that_of_the_image(A, y, dtype, tolerance):
    """Half precision is storage: only the result is rounded to it."""
    data = y.to(dtype)
    exact = tr.fbp(A, data.double())
    image = tr.fbp(A, data)
    assert image.dtype == dtype
    assert image.device == y.device
    assert (image.double() - exact).abs().max() <= tolerance * exact.abs().max()


def test_half_precision_works_under_autocast(A, y, device):
    with torch.autocast(torch.device(device).type, dtype=torch.bfloat16):
        image = tr.fbp(A, y.float())
    torch.testing.assert_close(image, tr.fbp(A, y.float()))


def test_the_same_data_gives_the_same_bits(A, y):
    assert torch.equal(tr.fbp(A, y.float()), tr.fbp(A, y.float()))


def test_the_data_is_left_alone(A, y):
    before = y.clone()
    tr.fbp(A, y)
    tr.fbp(A, y, filter=None)
    assert torch.equal(y, before)


def test_it_is_linear(A, y):
    a, b = y[0, 0], y[1, 2]
    torch.testing.assert_close(tr.fbp(A, 2 * a - 3 * b), 2 * tr.fbp(A, a) - 3 * tr.fbp(A, b))


@pytest.mark.parametrize("name", ["ramp", "hann", None])
def test_gradients_in_the_data(A, y, name):
    data = y[0, :2].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v: tr.fbp(A, v, name), data)
    assert torch.autograd.gradgradcheck(lambda v: tr.fbp(A, v, name), data)


def test_gradients_in_the_filter(A, y, generator):
    response = torch.rand(8, dtype=torch.float64, generator=generator).to(y.device)
    response.requires_grad_()
    data = y[0, 0].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda v, h: tr.fbp(A, v, h, 0.9), (data, response))


def test_a_learned_filter_finds_the_ramp_again(device):
    """Least squares for the response, through FBP, on the disc it reconstructs."""
    scan = tr.parallel_beam(np.linspace(0, np.pi, 30, endpoint=False), 40)
    A = tr.Projector(tr.Volume((24, 24)), scan).to(device)
    phantom = tr.phantoms.Phantom([tr.phantoms.ellipse(1.0, (1, -2), (6, 8))])
    y = phantom.project(scan, dtype=torch.float64, device=device)
    target = tr.fbp(A, y)
    response = torch.zeros(41, dtype=torch.float64, device=device, requires_grad=True)
    optimizer = torch.optim.LBFGS([response], max_iter=60, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (tr.fbp(A, y, response) - target).square().mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    assert closure() < 1e-3 * target.square().mean()


def test_functional_transforms(A, y):
    data = y[0]
    torch.testing.assert_close(torch.vmap(lambda v: tr.fbp(A, v))(data), tr.fbp(A, data))
    tangent = torch.func.jvp(lambda v: tr.fbp(A, v), (data,), (data * 0.5,))[1]
    torch.testing.assert_close(tangent, 0.5 * tr.fbp(A, data))


NO_CIRCLE = tr.fan_beam(ANGLES, 14, source_distance=50, detector_distance=50).shift(
    np.random.default_rng(0).uniform(-20, 20, (12, 2))
)
WIDE_ARC = tr.fan_beam(ANGLES, 14, 12.0, source_distance=30, detector_distance=20, curved=True)
EDGE_ON = tr.Scan.from_vectors([[0, 1, 0, 0, 1, 0], [0, 1, 0, 0, 0, 1]], 14)


def bad(data=None, scan=SCAN, **options):
    data = torch.zeros(scan.shape) if data is None else data
    return tr.fbp(tr.Projector(VOLUME, scan), data, **options)


BAD = {
    "no projector": (
        lambda: tr.fbp(VOLUME, torch.zeros(SCAN.shape)),  # type: ignore[arg-type]
        TypeError,
        "A must be a torch_radon Projector, got Volume",
    ),
    "no circle": (lambda: bad(scan=NO_CIRCLE), ValueError, "sources on a circle"),
    "wide arc": (lambda: bad(scan=WIDE_ARC), ValueError, "fan of a curved detector"),
    "redundancy": (lambda: bad(redundancy="half"), ValueError, "redundancy must be one of auto"),
    "interpolation": (
        lambda: bad(interpolation=["linear"]),
        ValueError,
        "interpolation must be one of linear",
    ),
    "upsampling": (lambda: bad(upsampling=0), ValueError, "upsampling must be at least 1"),
    "upsampling type": (lambda: bad(upsampling=2.5), TypeError, "upsampling must be an integer"),
    "extrapolation": (lambda: bad(extrapolation=-1.0), ValueError, "extrapolation must not be"),
    "weights type": (lambda: bad(weights=[1.0]), TypeError, "weights must be a torch.Tensor"),
    "weights of integers": (lambda: bad(weights=torch.ones(12, 1).int()), TypeError, "torch.int32"),
    "weights shape": (
        lambda: bad(weights=torch.ones(14, 12)),
        ValueError,
        r"broadcast to \(views, columns\) = \(12, 14\), got shape \(14, 12\)",
    ),
    "filter type": (lambda: bad(filter=3), TypeError, "filter must be a name"),
    "cutoff of nothing": (lambda: bad(filter=None, cutoff=0.5), ValueError, "cutoff must be 1"),
    "array": (lambda: bad(np.zeros(SCAN.shape)), TypeError, "y must be a torch.Tensor"),
    "integers": (lambda: bad(torch.zeros(SCAN.shape).long()), TypeError, "torch.int64"),
    "transposed": (
        lambda: bad(torch.zeros(SCAN.shape).T),
        ValueError,
        r"\(\.\.\., 12, 14\), got \(14, 12\)",
    ),
    "one row": (lambda: bad(torch.zeros(14)), ValueError, r"got \(14,\)"),
    "unknown filter": (lambda: bad(filter="rampe"), ValueError, "filter must be one of ramp, ram"),
    "cutoff": (lambda: bad(cutoff=2.0), ValueError, "cutoff must be a fraction of Nyquist"),
    "edge-on": (lambda: bad(scan=EDGE_ON), ValueError, "rays of view 1 run along"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
