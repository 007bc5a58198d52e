"""Banks on disk: found again by what defines them, whole or not at all."""

from pathlib import Path
from typing import Any

import pytest
import torch

from torch_radon.shearlet import ShearletSystem, ShearletTransform, cache
from torch_radon.shearlet.bank import FilterBank, make_bank


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What has been computed rather than read."""
    systems: list[object] = []

    def count(system: ShearletSystem) -> FilterBank:
        systems.append(system)
        return make_bank(system)

    monkeypatch.setattr(cache, "make_bank", count)
    return systems


def test_is_made_once(tmp_path: Path, made: list[object]) -> None:
    folder = tmp_path / "a" / "b"
    first = ShearletTransform(33, 40, [0.5], folder, parseval=False)
    again = ShearletTransform(33, 40, [0.5], str(folder), parseval=False)
    assert len(made) == 1
    assert len(list(folder.iterdir())) == 1
    x = torch.rand(40, 33)
    assert torch.equal(first(x), again(x))
    assert first.frame_bounds == again.frame_bounds


def test_none_keeps_nothing(
    tmp_path: Path, made: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ShearletTransform(16, 16, [0.5])
    ShearletTransform(16, 16, [0.5])
    assert len(made) == 2
    assert list(tmp_path.iterdir()) == []


def test_another_definition_is_another_file(tmp_path: Path, made: list[object]) -> None:
    systems: list[tuple[tuple[int, int, list[float]], dict[str, Any]]] = [
        ((33, 40, [0.5]), {}),
        ((40, 33, [0.5]), {}),
        ((33, 40, [0.5001]), {}),
        ((33, 40, [0.5, 0.5]), {}),
        ((33, 40, [0.5]), {"real": False}),
        ((33, 40, [0.5]), {"parseval": False}),
    ]
    for arguments, options in systems:
        ShearletTransform(*arguments, tmp_path, **options)
    assert len(made) == len(list(tmp_path.iterdir())) == 6


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 not a bank", None], ids=["empty", "bad", "cut"]
)
def test_a_broken_file_is_replaced(
    tmp_path: Path, made: list[object], content: bytes | None
) -> None:
    x = torch.rand(16, 16)
    expected = ShearletTransform(16, 16, [0.5], tmp_path)(x)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if content is None else content)
    assert torch.equal(ShearletTransform(16, 16, [0.5], tmp_path)(x), expected)
    assert len(made) == 2
    assert torch.equal(ShearletTransform(16, 16, [0.5], tmp_path)(x), expected)
    assert len(made) == 2


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"cache: .*file.*name a folder"):
        ShearletTransform(16, 16, [0.5], tmp_path / "file" / "folder")
