"""What is wrong in TorchRadon, and right here: a test for each."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
import torch

from measures import double, relative_l2, relative_max
from torch_radon.compat import FanBeam, ParallelBeam, Radon, RadonFanbeam, Volume2D

ANGLES = np.linspace(0, np.pi, 11, endpoint=False)


def _projectors(side: int = 24) -> list[Radon | RadonFanbeam | ParallelBeam | FanBeam]:
    return [
        Radon(side, ANGLES, clip_to_circle=True),
        RadonFanbeam(side, ANGLES, 1.5 * side, 20.0, det_spacing=1.2),
        ParallelBeam(side, ANGLES, 0.8),
        FanBeam(side, ANGLES, 1.5 * side, 20.0),
    ]


def test_y_points_up_and_the_source_is_below_at_angle_0() -> None:
    image = torch.zeros(9, 9)
    image[1, 6] = 1  # y = 3, x = 2
    sinogram = Radon(9, [0.0, np.pi / 2]).forward(image)
    assert sinogram.argmax(1).tolist() == [4 + 2, 4 + 3]
    # Magnified by 20 / (10 + 3): twice 2 * 20 / 13 columns from the middle.
    fan = RadonFanbeam(9, [0.0], 10.0, 10.0, det_count=41, det_spacing=0.5)
    assert int(fan.forward(image).argmax()) == 20 + round(2 * 20 / 13 / 0.5)


def test_scale_of_the_backprojection(device: str) -> None:
    """Sums over angles over the spacing of rays where the pixel is, obliquity included."""
    angles = np.linspace(0, 2 * np.pi, 4001, endpoint=False)
    place = np.arange(16) - 7.5
    x, y = np.meshgrid(place, -place)
    # Single pixels see rays at distances that come in a pattern, most of all in the middle.
    outer = np.hypot(x, y) > 5
    radon = Radon(16, angles, 61, 0.7)
    image = double(radon.backprojection(torch.ones(radon.range_shape, device=device)))
    assert abs((image * 0.7 / len(angles))[outer].mean() - 1) <= 1e-3
    fan = RadonFanbeam(16, angles, 20.0, 15.0, 301, 0.4)
    image = double(fan.backprojection(torch.ones(fan.range_shape, device=device)))
    depth = 20 - x[..., None] * np.sin(angles) + y[..., None] * np.cos(angles)
    side = x[..., None] * np.cos(angles) + y[..., None] * np.sin(angles)
    magnified = 35 / (0.4 * depth)
    expected = (magnified * np.hypot(1, side / depth)).sum(-1)
    assert abs((image / expected)[outer].mean() - 1) <= 1e-3
    # TorchRadon leaves the obliquity out.
    assert abs((image / magnified.sum(-1))[outer].mean() - 1) >= 0.02


@pytest.mark.parametrize("radon", _projectors(), ids=lambda radon: type(radon).__name__)
class TestInput:
    """Sizes, strides, types and batches."""

    def test_sizes_are_checked(self, radon: Radon) -> None:
        sinogram = radon.forward(torch.ones(24, 24))
        with pytest.raises(ValueError, match=r"\(\.\.\., 11, 24\), got \(10, 24\)"):
            radon.backprojection(sinogram[:10])
        with pytest.raises(ValueError, match=r"\(\.\.\., 11, 24\), got \(11, 23\)"):
            radon.filter_sinogram(sinogram[:, :23])
        with pytest.raises(TypeError, match=r"must be a torch\.Tensor"):
            radon.forward(np.ones((24, 24)))  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"must be a torch\.Tensor"):
            radon.filter_sinogram(None)  # type: ignore[arg-type]

    def test_unknown_filters_raise(self, radon: Radon) -> None:
        with pytest.raises(ValueError, match=r"filter must be one of ramp.*got 'ramlak'"):
            radon.filter_sinogram(radon.forward(torch.ones(24, 24)), "ramlak")

    def test_half_precision_of_any_batch(
        self, radon: Radon, device: str, generator: torch.Generator
    ) -> None:
        for batch in ((), (0,), (1,), (3,), (2, 5), (33,)):
            image = torch.rand(*batch, 24, 24, generator=generator).half().to(device)
            sinogram = radon.forward(image)
            assert sinogram.shape == (*batch, 11, 24)
            back = radon.backward(sinogram)
            assert back.shape == image.shape
            assert back.dtype is torch.float16
            if image.numel():
                assert relative_l2(sinogram, radon.forward(image.double())) <= 3e-4
                assert relative_l2(back, radon.backward(sinogram.double())) <= 3e-4

    def test_strides_and_gradients(
        self, radon: Radon, device: str, generator: torch.Generator
    ) -> None:
        image = torch.rand(24, 3, 24, generator=generator).to(device).permute(1, 2, 0)
        image = image.detach().requires_grad_()
        sinogram = radon.forward(image)
        assert torch.equal(sinogram, radon.forward(image.contiguous()))
        # The gradient of a transposed sum has strides of zero and another order of axes.
        (2 * sinogram).transpose(0, 2).sum().backward()
        assert image.grad is not None
        expected = radon.backward(torch.full_like(sinogram, 2))
        assert relative_max(image.grad, expected) <= 1e-6

    def test_gradcheck(self, radon: Radon, device: str, generator: torch.Generator) -> None:
        image = torch.rand(24, 24, generator=generator, dtype=torch.float64).to(device)
        sinogram = radon.forward(image).detach().clone()
        for function, data in ((radon.forward, image), (radon.backprojection, sinogram)):
            assert torch.autograd.gradcheck(function, data.requires_grad_(), fast_mode=True)

    def test_autocast(self, radon: Radon, device: str) -> None:
        with torch.autocast(device, dtype=torch.bfloat16):
            sinogram = radon.forward(torch.ones(24, 24, dtype=torch.bfloat16, device=device))
        assert sinogram.dtype is torch.float32

    def test_any_type_of_the_module_and_any_copy(self, radon: Radon) -> None:
        image = torch.rand(24, 24)
        expected = radon.forward(image)
        for other in (
            copy.deepcopy(radon).to(torch.bfloat16),
            pickle.loads(pickle.dumps(radon)),
            copy.deepcopy(radon).half(),
        ):
            assert torch.equal(other.forward(image), expected)
        # Checkpoints of networks that hold one are those of before.
        assert not radon.state_dict()

    def test_follows_its_data(self, radon: Radon) -> None:
        image = torch.rand(24, 24)
        expected = radon.forward(image)
        elsewhere = copy.deepcopy(radon).to("meta")
        assert torch.equal(elsewhere.forward(image), expected)
        with torch.inference_mode():
            elsewhere.forward(image)
        back = elsewhere.backward(expected.requires_grad_())
        assert back.requires_grad

    def test_compiles(self, radon: Radon, device: str) -> None:
        radon = copy.deepcopy(radon).to(device)
        image = torch.rand(2, 24, 24, device=device)
        expected = radon.backward(radon.forward(image))
        compiled = torch.compile(
            lambda x: radon.backward(radon.forward(x)), fullgraph=True, backend="aot_eager"
        )
        assert torch.equal(compiled(image), expected)


def test_more_than_4096_angles(device: str) -> None:
    angles = np.linspace(0, np.pi, 5001)
    image = torch.rand(16, 16, generator=torch.Generator().manual_seed(0)).to(device)
    sinogram = Radon(16, angles).forward(image)
    assert torch.equal(sinogram[4500:], Radon(16, angles[4500:]).forward(image))
    assert float(sinogram[4500:].min(1).values.max()) > 0


@pytest.mark.parametrize("spacing", [0.5, 1.0, 2.0])
def test_the_circle_respects_the_spacing(spacing: float, device: str) -> None:
    for radon in (
        Radon(32, ANGLES, 20, spacing, clip_to_circle=True),
        RadonFanbeam(32, ANGLES, 60.0, 30.0, 20, 1.5 * spacing, clip_to_circle=True),
    ):
        seen = double(radon.backprojection(torch.ones(radon.range_shape, device=device))) > 0
        place = np.arange(32) - 15.5
        inside = np.hypot(place[:, None], place) <= 10 * spacing
        assert not seen[~inside].any()
        assert seen[inside].mean() > 0.99
        # What is outside counts for nothing, not even if it is no number.
        image = torch.ones(32, 32, device=device)
        image[torch.from_numpy(~inside).to(device)] = torch.nan
        assert bool(torch.isfinite(radon.forward(image)).all())


def test_defaults() -> None:
    assert Radon(24, ANGLES).range_shape == (11, 24)
    assert Radon((20, 30), ANGLES).range_shape == (11, 30)
    fan = RadonFanbeam(24, ANGLES, 40.0)
    assert (fan.det_distance, fan.det_spacing, fan.det_count) == (40.0, 2.0, 24)
    assert RadonFanbeam(24, ANGLES, 40.0, 20.0).det_spacing == 1.5
    # The original takes 2.0 here, whatever it is given.
    assert RadonFanbeam(24, ANGLES, 40.0, det_spacing=1.3).det_spacing == 1.3
    beam = FanBeam(24, ANGLES)
    assert (beam.src_dist, beam.det_dist, beam.det_spacing) == (24.0, 24.0, 2.0)


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: Radon(0, ANGLES), ValueError, "resolution"),
        (lambda: Radon(8.0, ANGLES), TypeError, "resolution"),  # type: ignore[arg-type]
        (lambda: Radon((1, 2, 3), ANGLES), ValueError, "resolution"),
        (lambda: Radon(8, []), ValueError, "angles"),
        (lambda: Radon(8, [0.0, np.nan]), ValueError, "angles"),
        (lambda: Radon(8, ANGLES, 2.5), TypeError, "det_count"),  # type: ignore[arg-type]
        (lambda: Radon(8, ANGLES, det_spacing=0), ValueError, "det_spacing"),
        (lambda: RadonFanbeam(8, ANGLES, 0.0), ValueError, "source_distance"),
        (lambda: RadonFanbeam(8, ANGLES, 3.0), ValueError, "inside the volume"),
        (lambda: RadonFanbeam(8, ANGLES, 20.0, det_spacing=0), ValueError, "det_spacing"),
        (lambda: ParallelBeam(0, ANGLES), ValueError, "det_count"),
        (lambda: ParallelBeam(8, (0, 1, 0)), ValueError, "angles"),
        (lambda: FanBeam(8, []), ValueError, "angles"),
        (lambda: ParallelBeam(8, ANGLES, volume=(1, 2, 3)), ValueError, "volume"),  # type: ignore[arg-type]
        (lambda: FanBeam(8, ANGLES, det_dist=-1.0), ValueError, "det_dist"),
        (lambda: Volume2D(64, 64), TypeError, "set_size"),  # type: ignore[arg-type]
        (lambda: Volume2D(voxel_size=(1, 0)), ValueError, "voxel_size"),
    ],
)
def test_bad_arguments(make: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        make()  # type: ignore[operator]


def test_threads_share_a_projector() -> None:
    radon, image = ParallelBeam(24, ANGLES), torch.rand(24, 24)
    expected, found = radon.forward(image), []
    workers = [
        threading.Thread(target=lambda: found.append(radon.forward(image, ANGLES[:5])))
        for _ in range(8)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert all(torch.equal(one, expected[:5]) for one in found)
    assert len(found) == 8
