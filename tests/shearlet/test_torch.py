"""The transform as a citizen of PyTorch: derivatives, compilation, modules."""

import copy
import io
import pickle

import pytest
import torch
from torch.func import grad, jvp, vjp, vmap

from measures import relative_l2
from shearlet.systems import SYSTEMS, System, walk
from torch_radon import LinearOperator
from torch_radon.shearlet import ShearletTransform

TABLES = ("_source", "_target", "_entries", "_starts", "_roots")
TINY = [System(16, 17, [0.5]), System(17, 16, [0.2], real=False, parseval=False)]


def _sides(transform: ShearletTransform) -> list[LinearOperator]:
    return [transform, transform.T, transform.inverse, transform.inverse.T]


def _randn(shape: tuple[int, ...], device: str, generator: torch.Generator) -> torch.Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(device)


@walk(TINY)
def test_gradients_are_transposes(system: System, device: str, generator: torch.Generator) -> None:
    for operator in _sides(system.build().to(device)):
        x = _randn((2, *operator.domain_shape), device, generator).requires_grad_()
        y = _randn((2, *operator.range_shape), device, generator).requires_grad_()
        (slope,) = torch.autograd.grad((operator(x) * y).sum(), x, create_graph=True)
        assert relative_l2(slope, operator.T(y)) <= 1e-15
        (second,) = torch.autograd.grad((slope * x.detach()).sum(), y)
        assert relative_l2(second, operator(x)) <= 1e-15
        (plain,) = torch.autograd.grad(operator(x).sum(), x)
        assert relative_l2(plain, operator.T(torch.ones_like(y))) <= 1e-15


def test_gradcheck(device: str, generator: torch.Generator) -> None:
    transform = System(16, 16, [1.0]).build().to(device)
    x = _randn((1, 16, 16), device, generator).requires_grad_()
    for operator in (transform, transform.T @ transform):
        assert torch.autograd.gradcheck(operator, x, fast_mode=True, check_forward_ad=True)
        assert torch.autograd.gradgradcheck(operator, x, fast_mode=True)


@walk(TINY)
def test_functional_transforms(system: System, device: str, generator: torch.Generator) -> None:
    for operator in _sides(system.build().to(device)):
        x, v = (_randn((3, *operator.domain_shape), device, generator) for _ in range(2))
        y = _randn((3, *operator.range_shape), device, generator)
        assert relative_l2(vmap(operator)(x), operator(x)) <= 1e-15
        assert relative_l2(vmap(operator, in_dims=1)(x.movedim(0, 1)), operator(x)) <= 1e-15
        value, tangent = jvp(operator, (x,), (v,))[:2]
        assert relative_l2(value, operator(x)) <= 1e-15
        assert relative_l2(tangent, operator(v)) <= 1e-15
        assert relative_l2(vjp(operator, x)[1](y)[0], operator.T(y)) <= 1e-15
        slopes = vmap(grad(lambda z: operator(z).square().sum()))(x)  # noqa: B023
        assert relative_l2(slopes, 2 * operator.T(operator(x))) <= 1e-14


@pytest.mark.parametrize("direction", ["forward", "adjoint"])
@walk(TINY)
def test_opcheck(system: System, direction: str, device: str, generator: torch.Generator) -> None:
    transform = system.build().to(device)
    forward = direction == "forward"
    operator = transform if forward else transform.T
    name = "shearlet_2d" if forward else "shearlet_2d_adjoint"
    op = getattr(torch.ops.torch_radon, name).default
    x = torch.randn(2, *operator.domain_shape, generator=generator).to(device).requires_grad_()
    for data, values, out_dtype in (
        (x, transform._values32, torch.float32),
        (x.detach().half(), transform._values32, torch.bfloat16),
        (x.detach().double().requires_grad_(), transform._values64, torch.float64),
    ):
        tables = [getattr(transform, name) for name in TABLES]
        arguments = (transform._runs, list(transform.domain_shape), system.real, out_dtype)
        torch.library.opcheck(op, (data, values, *tables, *arguments))


def test_an_operator_called_directly_is_checked(device: str) -> None:
    transform = TINY[0].build().to(device)
    op = torch.ops.torch_radon.shearlet_2d
    tables = [getattr(transform, name) for name in TABLES]
    rest = (transform._runs, [17, 16], True, torch.float32)
    x = torch.zeros(1, 17, 16, device=device)
    with pytest.raises(ValueError, match=r"\(N, 17, 16\), got \(1, 16, 17\)"):
        op(x.mT, transform._values32, *tables, *rest)
    with pytest.raises(TypeError, match=r"torch\.int32 and torch\.float32"):
        op(x.int(), transform._values32, *tables, *rest)
    with pytest.raises(TypeError, match=r"values must be the bits.*float32"):
        op(x, transform._values32.view(torch.float32), *tables, *rest)
    with pytest.raises(ValueError, match=r"source must be contiguous of shape"):
        op(x, transform._values32, tables[0][1:], *tables[1:], *rest)
    with pytest.raises(ValueError, match=r"starts must be .* shape \(4, 2\), got shape \(8, 2\)"):
        op(x, transform._values32, *tables, transform._runs[:12], *rest[1:])
    with pytest.raises(TypeError, match=r"entries must be int32, got torch.int64"):
        op(x, transform._values32, *tables[:2], tables[2].long(), *tables[3:], *rest)


@walk(TINY)
def test_compiles_without_graph_breaks(
    system: System, device: str, generator: torch.Generator
) -> None:
    torch.compiler.reset()
    transform = system.build().to(device)
    for operator in _sides(transform):
        compiled = torch.compile(operator, fullgraph=True, backend="aot_eager")
        x = torch.randn(2, *operator.domain_shape, generator=generator).to(device)
        assert relative_l2(compiled(x), operator(x)) <= 1e-7
    torch.compiler.reset()

    def loss(z: torch.Tensor) -> torch.Tensor:
        return transform(torch.sin(z)).square().sum()

    eager = _randn(transform.domain_shape, device, generator).requires_grad_()
    traced = eager.detach().clone().requires_grad_()
    loss(eager).backward()
    torch.compile(loss, fullgraph=True, backend="aot_eager")(traced).backward()
    assert eager.grad is not None
    assert traced.grad is not None
    assert relative_l2(traced.grad, eager.grad) <= 1e-14


@walk(SYSTEMS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64], ids=str)
def test_a_change_of_type_rounds_nothing(
    system: System, dtype: torch.dtype, device: str, generator: torch.Generator
) -> None:
    transform = system.build().to(device)
    x = _randn(transform.domain_shape, device, generator)
    before, back = transform(x), transform.inverse(transform(x))
    cast = copy.deepcopy(transform).to(dtype)
    assert torch.equal(cast(x), before)
    assert torch.equal(cast.inverse(before), back)
    assert torch.equal(torch.nn.Sequential(transform).to(dtype)(x), before)
    assert torch.equal(transform.inverse.to(dtype)(before), back)
    assert not any(buffer.is_floating_point() for buffer in transform.buffers())


@walk(SYSTEMS[:3])
def test_copies_pickles_and_states(system: System, device: str, generator: torch.Generator) -> None:
    transform = system.build().to(device)
    x = torch.randn(2, *transform.domain_shape, generator=generator).to(device)
    before = transform(x)
    assert transform.state_dict() == {}
    assert transform.inverse.state_dict() == {}
    saved = io.BytesIO()
    torch.save(transform, saved)
    saved.seek(0)
    for again in (
        copy.deepcopy(transform),
        pickle.loads(pickle.dumps(transform)),
        torch.load(saved, weights_only=False),
    ):
        assert torch.equal(again(x), before)
        assert torch.equal(again.inverse(before), transform.inverse(before))
        assert again.shearlets == transform.shearlets


def test_composes_with_other_operators(device: str, generator: torch.Generator) -> None:
    transform = SYSTEMS[1].build().to(device)
    x = _randn(transform.domain_shape, device, generator)
    assert relative_l2((transform.inverse @ transform)(x), x) <= 3e-15
    normal = transform.T @ transform
    assert relative_l2(normal(x), transform.T(transform(x))) <= 1e-15


def test_the_default_device_and_dtype_do_not_matter(generator: torch.Generator) -> None:
    system = SYSTEMS[1]
    x = torch.randn(system.height, system.width, generator=generator)
    before = system.build()(x)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.device("meta"):
            after = system.build()(x)
            inverse = system.build().inverse(after)
    finally:
        torch.set_default_dtype(torch.float32)
    assert after.dtype is inverse.dtype is torch.float32
    assert torch.equal(after, before)


def test_repr_says_what_it_is() -> None:
    text = repr(System(37, 35, [0.7], real=False).build())
    assert text == ("ShearletTransform(37, 35, [0.7], parseval=True, real=False: 13 filters)")


@pytest.mark.parametrize("real", [True, False])
def test_threads_share_the_filters_and_change_no_bit(
    real: bool, generator: torch.Generator
) -> None:
    transform = ShearletTransform(128, 129, [0.5] * 3, real=real)
    x = torch.randn(2, 129, 128, generator=generator, requires_grad=True)
    y = torch.randn(2, *transform.range_shape, generator=generator)
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 3):
            torch.set_num_threads(count)
            with torch.inference_mode():
                image = transform.T(y)
            coefficients = transform(x)
            (slope,) = torch.autograd.grad((coefficients * y).sum(), x)
            assert coefficients.grad_fn is not None
            assert torch.get_num_threads() == count
            results.append((coefficients.detach(), image.clone(), slope))
    finally:
        torch.set_num_threads(threads)
    for one, several in zip(*results, strict=True):
        assert torch.equal(one, several)
    assert torch.equal(results[0][1], results[0][2])
