"""Types of data, iterates and projections."""

import pytest
import torch

import torch_radon as tr
from measures import relative_l2
from solvers.systems import PARALLEL, ROWS, SIDE, VIEWS, data
from torch_radon import solvers

names = pytest.mark.parametrize("name", ROWS)


def solve(name, A, y, **options):
    function, _, own = ROWS[name]
    return function(A, y, **own, **options)


@pytest.fixture
def A(device):
    return PARALLEL.build(SIDE, VIEWS).to(device)


@pytest.fixture
def y(A, device, rng):
    return torch.from_numpy(data(PARALLEL.build(SIDE, VIEWS), 2, rng)).to(device)


@names
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_iterates_have_the_type_of_the_data_at_least_float32(name, dtype, A, y):
    given = y.to(dtype)
    state = torch.promote_types(dtype, torch.float32)
    result = solve(name, A, given, iterations=4)
    assert result.x.dtype == result.residuals.dtype == state
    expected = solve(name, A, given.double(), iterations=4)
    assert relative_l2(result.x, expected.x) <= (1e-14 if state == torch.float64 else 1e-5)


class Watched(tr.LinearOperator):
    """An operator that remembers in which types it was applied."""

    def __init__(self, A):
        super().__init__(A.domain_shape, A.range_shape)
        self.A, self.types = A, []

    def _apply_batch(self, x):
        self.types.append(x.dtype)
        return self.A._apply_batch(x)

    def _adjoint_batch(self, y):
        self.types.append(y.dtype)
        return self.A._adjoint_batch(y)


@pytest.mark.parametrize("name", ["landweber", "cgls", "conjugate_gradient"])
@pytest.mark.parametrize(
    ("low", "bound"),
    [(torch.float16, 2e-3), (torch.bfloat16, 2e-2), (torch.float32, 1e-6)],
    ids=["fp16", "bf16", "fp32"],
)
def test_projections_in_a_type_of_their_own(name, low, bound, A, y):
    options = {"step": 0.01} if name == "landweber" else {}
    function = getattr(solvers, name)
    watched, given = Watched(A), y.double()
    operator: tr.LinearOperator = watched
    if name == "conjugate_gradient":
        operator = watched.T @ watched + 10 * tr.linear.Identity(A.domain_shape)
        given = A.T(given)
    expected = function(operator, given, iterations=3, **options).x
    watched.types.clear()
    result = function(operator, given, iterations=3, projection_dtype=low, **options)
    assert result.x.dtype == torch.float64
    # The test of symmetry is done in the type of the iterates.
    steps = watched.types[2:] if name == "conjugate_gradient" else watched.types
    # Within the normal operator the second projection is of the first one's result, in float32.
    allowed = {low, torch.float32} if name == "conjugate_gradient" else {low}
    assert low in steps
    assert set(steps) <= allowed
    assert relative_l2(result.x, expected) <= bound


@pytest.mark.parametrize("scale", [1e-30, 1e-9, 1.0, 1e9, 1e30])
def test_float16_projections_at_any_scale(scale, A, y):
    """Values of attenuation per micrometre, and counts of photons, are far outside of float16."""
    one = solvers.cgls(A, y, iterations=4, projection_dtype=torch.float16).x
    found = solvers.cgls(A, scale * y, iterations=4, projection_dtype=torch.float16).x
    torch.testing.assert_close(found / scale, one, rtol=1e-2, atol=1e-3)


def test_float16_projections_do_not_overflow(device):
    """The entries of A.T A x exceed 65504 here."""
    scan = tr.parallel_beam(torch.arange(400) * 0.01, columns=256)
    A = tr.Projector(tr.Volume((256, 256)), scan).to(device)
    y = A(torch.ones(256, 256, device=device))
    assert A.T(y).max() > 65504
    result = solvers.sirt(A, y, iterations=5, projection_dtype=torch.float16)
    expected = solvers.sirt(A, y, iterations=5)
    assert relative_l2(result.x, expected.x) < 1e-3


def test_a_start_of_another_type_is_converted(A, y):
    start = torch.full(A.domain_shape, 0.5, dtype=torch.float64, device=y.device)
    result = solvers.landweber(A, y.float(), iterations=2, x0=start)
    assert result.x.dtype == torch.float32


@pytest.mark.parametrize("name", ["landweber", "cgls"])
def test_under_autocast(name, A, y):
    expected = solve(name, A, y.float(), iterations=3).x
    with torch.autocast(y.device.type, dtype=torch.bfloat16):
        found = solve(name, A, y.float(), iterations=3).x
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)
