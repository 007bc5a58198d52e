"""Compilation and transforms of what has no random numbers in it, without checks of values."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from torch_radon.physics import (
    afterglow,
    counts_to_lines,
    cross_talk,
    gaussian_nll,
    line_weights,
    lines_to_counts,
    poisson_nll,
    psnr,
    rmse,
    shifted_poisson_nll,
    ssim,
)

Function = Callable[[torch.Tensor], torch.Tensor]

FUNCTIONS: dict[str, Function] = {
    "lines_to_counts": lambda x: lines_to_counts(x, 100.0, check=False),
    "counts_to_lines": lambda x: counts_to_lines(x, 100.0, check=False),
    "line_weights": lambda x: line_weights(x, electronic_noise=2.0, check=False),
    "poisson_nll": lambda x: poisson_nll(x, x.detach().square(), reduction="none"),
    "shifted_poisson_nll": lambda x: shifted_poisson_nll(x, x - 1, electronic_noise=2.0),
    "gaussian_nll": lambda x: gaussian_nll(x, x.square(), x),
    "cross_talk": lambda x: cross_talk(x, (0.1, 0.05), axes=2),
    "afterglow": lambda x: afterglow(x, [(0.2, 3.0)], before=1.0),
    "rmse": lambda x: rmse(x, x.square()),
    "psnr": lambda x: psnr(x, x.square()),
    "ssim": lambda x: ssim(x, x.square(), data_range=1.0),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_compiled_as_one_graph(device: str, generator: torch.Generator, name: str) -> None:
    function = FUNCTIONS[name]
    x = (1 + torch.rand(2, 12, 13, generator=generator, dtype=torch.float64)).to(device)
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x), function(x))
    grads = []
    for apply in (function, compiled):
        leaf = x.clone().requires_grad_()
        grads.append(torch.autograd.grad(apply(leaf).sum(), leaf)[0])
    torch.testing.assert_close(grads[0], grads[1])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_vmap_and_forward_mode(device: str, generator: torch.Generator, name: str) -> None:
    function = FUNCTIONS[name]
    x = (1 + torch.rand(3, 12, 13, generator=generator, dtype=torch.float64)).to(device)
    mapped = torch.vmap(function)(x)
    for found, item in zip(mapped, x, strict=True):
        torch.testing.assert_close(found, function(item))
    tangent = torch.rand(12, 13, generator=generator, dtype=torch.float64).to(device)
    change = torch.func.jvp(function, (x[0],), (tangent,))[1]
    back = torch.func.vjp(function, x[0])[1](torch.ones_like(change))[0]
    torch.testing.assert_close(change.sum(), (back * tangent).sum())
