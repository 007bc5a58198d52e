"""Cross-talk and afterglow against dense matrices and a loop over the views."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from measures import double, relative_max
from oracles.physics import afterglow_loop, cross_talk_matrix
from torch_radon.physics import afterglow, cross_talk

SHARES: list[tuple[float, ...]] = [(0.0,), (0.05,), (0.5,), (0.1, 0.03), (0.1, 0.0, 0.04, 0.02)]
LAGS: list[list[tuple[float, float]]] = [
    [],
    [(0.0, 3.0)],
    [(0.03, 0.2)],
    [(0.3, 4.0), (0.05, 300.0)],
    [(0.6, 2.5), (0.4, 70.0)],
]


@pytest.mark.parametrize("shares", SHARES)
@pytest.mark.parametrize("columns", [4, 5, 31])
def test_cross_talk_matrix(device: str, shares: tuple[float, ...], columns: int) -> None:
    unit = torch.eye(columns, dtype=torch.float64, device=device)
    found = double(cross_talk(unit, shares))
    matrix = cross_talk_matrix(columns, shares)
    np.testing.assert_allclose(found.T, matrix, rtol=0, atol=1e-15)
    # Nothing is lost, even stays even, and the blur is its own transpose.
    np.testing.assert_allclose(matrix.sum(0), 1, atol=1e-15)
    np.testing.assert_allclose(found, found.T, atol=1e-15)


def test_cross_talk_along_rows_and_columns(device: str, generator: torch.Generator) -> None:
    signal = torch.rand(3, 2, 7, 9, generator=generator, dtype=torch.float64).to(device)
    rows, columns = (cross_talk_matrix(n, (0.1, 0.04)) for n in (7, 9))
    expected = np.einsum("ij,kl,abjl->abik", rows, columns, double(signal))
    assert relative_max(cross_talk(signal, (0.1, 0.04), axes=2), expected) < 1e-14


def test_one_column(device: str) -> None:
    signal = torch.tensor([[5.0], [7.0]], device=device)
    assert torch.equal(cross_talk(signal, 0.2), signal)


@pytest.mark.parametrize("lags", LAGS)
@pytest.mark.parametrize("views", [1, 2, 37, 400])
@pytest.mark.parametrize("steady", [False, True])
def test_afterglow_is_the_recursion(
    device: str,
    generator: torch.Generator,
    lags: list[tuple[float, float]],
    views: int,
    steady: bool,
) -> None:
    signal = torch.rand(views, 5, generator=generator, dtype=torch.float64)
    before = torch.rand(5, generator=generator, dtype=torch.float64) if steady else None
    expected = afterglow_loop(signal.numpy(), lags, 0.0 if before is None else before.numpy())
    found = afterglow(signal.to(device), lags, before=None if before is None else before.to(device))
    assert relative_max(found, expected) < 1e-14
    single = afterglow(
        signal.float().to(device), lags, before=None if before is None else before.to(device)
    )
    assert relative_max(single, expected) < 5e-7


def test_axes_of_the_views(device: str, generator: torch.Generator) -> None:
    lags = [(0.2, 5.0)]
    signal = torch.rand(2, 11, 3, 4, generator=generator, dtype=torch.float64)
    for batch, projections in enumerate(signal):
        for before in (
            3.0,
            torch.arange(4.0).double(),
            torch.rand(3, 4, generator=generator).double(),
        ):
            known = before if isinstance(before, float) else before.numpy()
            there = before if isinstance(before, float) else before.to(device)
            expected = afterglow_loop(projections.numpy(), lags, known)
            for axis in (-3, 1):
                found = afterglow(signal.to(device), lags, axis=axis, before=there)
                assert relative_max(found[batch], expected) < 1e-14
    whole = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64)
    found = afterglow(signal.to(device), lags, axis=-3, before=whole.to(device))
    expected = afterglow_loop(signal[1].numpy(), lags, whole[1].numpy())
    assert relative_max(found[1], expected) < 1e-14


def test_a_steady_signal_stays(device: str) -> None:
    signal = torch.full((50, 6), 7.0, dtype=torch.float64, device=device)
    found = afterglow(signal, LAGS[3], before=7.0)
    torch.testing.assert_close(found, signal)
    assert float(afterglow(signal, LAGS[3])[0, 0]) < 7.0


def test_all_of_a_flash_arrives(device: str) -> None:
    signal = torch.zeros(2000, 1, dtype=torch.float64, device=device)
    signal[0] = 10.0
    found = afterglow(signal, [(0.3, 4.0), (0.1, 20.0)])
    assert float(found.sum()) == pytest.approx(10, rel=1e-13)
    assert bool((found.diff(dim=0) < 0)[:200].all())


@pytest.mark.parametrize("shape", [(0, 4, 5), (3, 0, 5), (33, 4, 5), (2, 3, 4, 5)])
def test_batches(device: str, generator: torch.Generator, shape: tuple[int, ...]) -> None:
    signal = torch.rand(shape, generator=generator).to(device)
    blurred, late = cross_talk(signal, 0.1), afterglow(signal, [(0.2, 3.0)])
    assert blurred.shape == late.shape == shape
    for index in range(shape[0]):
        assert torch.equal(blurred[index], cross_talk(signal[index], 0.1))
        assert torch.equal(late[index], afterglow(signal[index], [(0.2, 3.0)]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_storage(device: str, dtype: torch.dtype) -> None:
    signal = torch.linspace(0, 1000, 60, device=device).reshape(6, 10).to(dtype)
    assert torch.equal(cross_talk(signal, 0.1), cross_talk(signal.float(), 0.1))
    late = afterglow(signal.float(), [(0.2, 3.0)])
    assert torch.equal(afterglow(signal, [(0.2, 3.0)]), late)


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    signal = torch.rand(5, 4, generator=generator, dtype=torch.float64).to(device)
    before = torch.rand(4, generator=generator, dtype=torch.float64).to(device)
    signal.requires_grad_()
    before.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cross_talk(x, (0.1, 0.05)), signal)
    assert torch.autograd.gradcheck(
        lambda x, b: afterglow(x, [(0.2, 3.0), (0.1, 0.5)], before=b), (signal, before)
    )


@pytest.mark.parametrize("shares", [-0.1, 0.6, (0.3, 0.3), float("nan")])
def test_bad_shares(shares: float | tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="shares must"):
        cross_talk(torch.ones(3, 4), shares)


def test_bad_arguments() -> None:
    signal = torch.ones(3, 4)
    with pytest.raises(ValueError, match="shares reach 5 pixels far, the detector has 4"):
        cross_talk(signal, (0.1,) * 5)
    with pytest.raises(ValueError, match="axes must be 1"):
        cross_talk(signal, 0.1, axes=3)
    with pytest.raises(ValueError, match="signal must have at least 2 dimensions"):
        cross_talk(torch.ones(4), 0.1, axes=2)
    with pytest.raises(TypeError, match="signal must be of a real floating-point type"):
        cross_talk(signal.int(), 0.1)
    for lags, message in (
        ([(0.5, 3.0), (0.6, 1.0)], "sum to at most 1, got 1.1"),
        ([(-0.1, 3.0)], "part must be from 0 to 1"),
        ([(0.1, 0.0)], "time constant must be positive"),
        ([0.1], r"lags must be pairs \(part, time constant in views\), got 0.1"),
    ):
        with pytest.raises(ValueError, match=message):
            afterglow(signal, lags)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="axis must be one of the 2 of signal, got 2"):
        afterglow(signal, [(0.1, 1.0)], axis=2)
    with pytest.raises(ValueError, match="before must broadcast to one view of signal"):
        afterglow(signal, [(0.1, 1.0)], before=torch.ones(5))
    with pytest.raises(ValueError, match="before must be finite"):
        afterglow(signal, [(0.1, 1.0)], before=float("nan"))
