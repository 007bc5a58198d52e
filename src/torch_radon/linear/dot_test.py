"""The dot test: whether an operator and its transpose belong together."""

from __future__ import annotations

import torch

from torch_radon.linear.operator import LinearOperator, Transpose


def dot_test(
    A: LinearOperator,
    *,
    dtype: torch.dtype = torch.float64,
    device: torch.device | str | None = None,
    generator: torch.Generator | None = None,
) -> float:
    r"""Measure how far ``A.T`` is from the transpose of ``A`` on random vectors.

    .. math:: \frac{|\langle A x, y\rangle - \langle x, A^T y\rangle|}{\|A x\|\,\|y\|}

    for normally distributed :math:`x` and :math:`y`; the products are summed in float64. An exact
    pair gives about 1e-8 in float32 and 1e-16 in float64. The test is necessary, not sufficient:
    weights that are wrong at random by a thousandth pass it, which a comparison of matrix
    entries does not.

    Parameters
    ----------
    A : LinearOperator
    dtype : torch.dtype, default torch.float64
        In which the operator is applied.
    device : torch.device or str, optional
        Where; by default where the operator's buffers are, or on the CPU if it has none.
    generator : torch.Generator, optional
        A CPU generator that makes the vectors reproducible.

    Returns
    -------
    float
        The relative mismatch; 0 if ``A x`` vanishes and the products agree.

    Examples
    --------
    >>> import torch_radon as tr
    >>> A = tr.Projector(tr.Volume((16, 16)), tr.parallel_beam([0.0, 1.0], columns=24))
    >>> tr.dot_test(A) < 1e-13
    True
    """
    device = device or operator_device(A)
    x = torch.randn(A.domain_shape, dtype=torch.float64, generator=generator).to(device, dtype)
    y = torch.randn(A.range_shape, dtype=torch.float64, generator=generator).to(device, dtype)
    with torch.no_grad():
        image, back = A(x).double(), A.T(y).double()
    x, y = x.double(), y.double()
    mismatch = ((image * y).sum() - (x * back).sum()).abs()
    scale = image.norm() * y.norm()
    return float(mismatch / scale) if scale > 0 else float(mismatch)


def operator_device(A: LinearOperator) -> torch.device:
    """Where an operator's buffers or parameters are; the CPU if it has none."""
    for module in A.modules():
        # A transpose holds nothing itself.
        held = module.T if isinstance(module, Transpose) else module
        for tensor in (*held.buffers(), *held.parameters()):
            return tensor.device
    return torch.device("cpu")
