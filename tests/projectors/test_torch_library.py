"""The operators behind the modules are well-behaved citizens of torch.library."""

from typing import Any

import pytest
import torch

from cases import BACKPROJECTORS, CASES, PROJECTORS, Case, walk
from torch_radon import LinearOperator, Projector, Volume, parallel_beam

OPERATORS = ["joseph_2d", "joseph_2d_adjoint", "backproject_2d", "backproject_2d_adjoint"]


class _Calls(torch.utils._python_dispatch.TorchDispatchMode):
    """Keeps the calls to the library's operators with their arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[Any, tuple[Any, ...], dict[str, Any]]] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func.namespace == "torch_radon":
            self.calls.append((func, args, kwargs or {}))
        return func(*args, **(kwargs or {}))


def _call(operator: LinearOperator, x: torch.Tensor) -> tuple[Any, tuple[Any, ...], dict[str, Any]]:
    with _Calls() as mode:
        operator(x)
    (call,) = mode.calls
    return call


@pytest.mark.parametrize("name", OPERATORS)
def test_is_registered(name: str) -> None:
    schema = str(getattr(torch.ops.torch_radon, name).default._schema)
    assert schema.startswith(f"torch_radon::{name}(Tensor ")
    assert schema.endswith("-> Tensor")


@walk(CASES)
@pytest.mark.parametrize("transposed", [False, True], ids=["forward", "adjoint"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16], ids=str)
def test_opcheck(
    case: Case, transposed: bool, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    operator = case.build(6, 3).to(device)
    operator = operator.T if transposed else operator
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device, dtype)
    function, args, kwargs = _call(operator, x)
    data = args[0].detach().clone().requires_grad_()
    torch.library.opcheck(function, (data, *args[1:]), kwargs)


@walk([PROJECTORS[1], PROJECTORS[4], BACKPROJECTORS[3]])
def test_operators_work_on_fake_tensors(case: Case, device: str) -> None:
    from torch._subclasses.fake_tensor import FakeTensorMode

    operator = case.build(6, 3).to(device)
    x = torch.zeros(2, *operator.domain_shape, device=device)
    function, args, kwargs = _call(operator, x)
    with FakeTensorMode(allow_non_fake_inputs=True) as mode:
        fake = function(mode.from_tensor(args[0]), *args[1:], **kwargs)
    real = function(*args, **kwargs)
    assert fake.shape == real.shape
    assert fake.dtype is real.dtype
    assert fake.stride() == real.stride()
    assert fake.device == real.device


ARGUMENTS = ("data", "views", "beam", "shape", "columns", "spacing", "out_dtype")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("data", torch.zeros(12, 9), r"data must have shape .*12, 9.*got \(12, 9\)"),
        ("data", torch.zeros(2, 9, 12), r"data must have shape .*12, 9.*got \(2, 9, 12\)"),
        ("data", torch.zeros(2, 12, 9, dtype=torch.int32), "data.*torch.int32"),
        ("views", torch.zeros(5, 6, dtype=torch.int64), r"views must be .*got .*\(5, 6\)"),
        ("views", torch.zeros(7, dtype=torch.int64), r"views must be .*got .*\(7,\)"),
        ("views", torch.zeros(5, 7), "views must be int64.*got torch.float32"),
        ("beam", "cone", "beam must be .*got 'cone'"),
        ("shape", [12, 9, 1], r"shape .*got \[12, 9, 1\]"),
        ("spacing", [1.0], r"spacing .*got .*\[1.0\]"),
        ("out_dtype", torch.int32, "out_dtype .*torch.int32"),
    ],
)
def test_operators_called_directly_name_bad_arguments(name: str, value: Any, says: str) -> None:
    operator = Projector(Volume((12, 9)), parallel_beam([0.0, 0.3, 1.0, 2.0, 3.0], 14))
    function, positional, _ = _call(operator, torch.zeros(2, 12, 9))
    arguments = dict(zip(ARGUMENTS, positional, strict=True))
    assert function(**arguments).shape == (2, 5, 14)
    with pytest.raises((ValueError, TypeError), match=says):
        function(**{**arguments, name: value})


@pytest.mark.parametrize("name", OPERATORS)
def test_a_backend_that_is_not_there_is_named(name: str) -> None:
    operator = (PROJECTORS if name.startswith("joseph") else BACKPROJECTORS)[1].build(6, 3)
    operator = operator.T if name.endswith("adjoint") else operator
    function, args, kwargs = _call(operator, torch.zeros(operator.domain_shape))
    assert function.name() == f"torch_radon::{name}"
    with pytest.raises((NotImplementedError, ValueError, RuntimeError), match=r"meta|Meta|fake"):
        function(args[0].to("meta"), *args[1:], **kwargs).cpu()
