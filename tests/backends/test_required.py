"""The backends that this run must have are there, so that the others may be skipped safely."""

import pytest

import backends_under_test


@pytest.mark.parametrize("backend", backends_under_test.BACKENDS)
def test_required_backends_are_there(backend: str) -> None:
    if backend in backends_under_test.required():
        assert backends_under_test.why_missing(backend) is None


def test_the_cpu_backend_is_always_there() -> None:
    assert backends_under_test.why_missing("cpu") is None


def test_a_missing_backend_is_skipped_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends_under_test, "why_missing", lambda backend: "it is at the menders")
    monkeypatch.setenv(backends_under_test.REQUIRE, "cpu")
    with pytest.raises(pytest.skip.Exception, match="menders"):
        backends_under_test.skip_or_fail("cuda")


def test_a_missing_required_backend_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends_under_test, "why_missing", lambda backend: "it is at the menders")
    monkeypatch.setenv(backends_under_test.REQUIRE, "cpu, cuda")
    with pytest.raises(pytest.fail.Exception, match=r"cuda is required by .*menders"):
        backends_under_test.skip_or_fail("cuda")


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backends_under_test.REQUIRE, "cpu,abacus")
    with pytest.raises(ValueError, match="abacus"):
        backends_under_test.required()
