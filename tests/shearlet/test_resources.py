"""Memory beside the coefficients, streams and graphs."""

from collections.abc import Callable

import pytest
import torch

import backends_under_test
from measures import relative_l2
from torch_radon.shearlet import ShearletTransform


def _peak_on_cpu(call: Callable[[], torch.Tensor]) -> int:
    """Bytes that PyTorch's allocator has given at most, from its own record."""
    with torch.profiler.profile(
        activities=[torch.profiler.ProfilerActivity.CPU], profile_memory=True
    ) as profile:
        kept = call()
    held, most = 0, 0
    for event in profile.profiler.kineto_results.events():
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    del kept
    return most


@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_little_memory_beside_the_coefficients(
    transposed: bool, dtype: torch.dtype, device: str
) -> None:
    transform = ShearletTransform(256, 256, [0.5] * 4).to(device)
    operator = transform.T if transposed else transform
    x = torch.zeros(8, *operator.domain_shape, dtype=dtype, device=device)
    coefficients = 8 * transform.redundancy * 256**2 * dtype.itemsize
    operator(x)
    if device == "cpu":
        peak = _peak_on_cpu(lambda: operator(x))
        assert peak >= (x.nbytes if transposed else coefficients) / transform.redundancy
    else:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        result = operator(x)
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated() - before - result.nbytes
    # On the CPU the result counts, which forward is the coefficients themselves.
    assert peak <= 1.2 * coefficients


@pytest.mark.cuda
@pytest.mark.parametrize("side", [256, 250])
def test_streams_and_graphs(side: int, generator: torch.Generator) -> None:
    backends_under_test.skip_or_fail("cuda")
    transform = ShearletTransform(side, side, [0.5] * 3).cuda()
    x = torch.randn(2, side, side, generator=generator).cuda()
    expected = transform(x)
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        image = transform.T(transform(x))
    torch.cuda.current_stream().wait_stream(stream)
    assert relative_l2(image, x) <= 1e-6
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        coefficients = transform(x)
        image = transform.T(coefficients)
    x.mul_(2)
    graph.replay()
    assert relative_l2(coefficients, 2 * expected) <= 1e-7
    assert relative_l2(image, x) <= 1e-6


@pytest.mark.cuda
@pytest.mark.parametrize("shape", [(128, 128), (128, 512), (1024, 256), (256, 1024)], ids=str)
@pytest.mark.parametrize("batch", [1, 3, 33])
def test_kernels_agree_with_float64(
    shape: tuple[int, int], batch: int, generator: torch.Generator
) -> None:
    """Float64 goes the way of torch.fft on a GPU, so that both ways are compared."""
    backends_under_test.skip_or_fail("cuda")
    height, width = shape
    transform = ShearletTransform(width, height, [0.5] * 2).cuda()
    x = torch.randn(batch, height, width, generator=generator).cuda()
    y = torch.randn(batch, *transform.range_shape, generator=generator).cuda()
    # Rows that begin between two pairs.
    odd = torch.cat([y.new_zeros(1), y.flatten()])[1:].view_as(y)
    assert odd.data_ptr() % 8 == 4
    assert torch.equal(transform.T(odd), transform.T(y))
    for dtype, bound in ((torch.float32, 5e-7), (torch.float16, 3e-4), (torch.bfloat16, 2.5e-3)):
        for operator, data in ((transform, x.to(dtype)), (transform.T, y.to(dtype))):
            assert relative_l2(operator(data), operator(data.double())) <= bound
