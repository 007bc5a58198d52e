"""The disk cache gives back what was put in, or nothing."""

import multiprocessing
import os
import sys
from pathlib import Path

import pytest

from torch_radon.backends.cuda import cache

CONTENT = bytes(range(256)) * 100


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "some" / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder


def _entry(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_round_trip(folder: Path) -> None:
    assert cache.load("key") is None
    assert cache.sizes() == []
    cache.store("key", CONTENT)
    assert cache.load("key") == CONTENT
    assert cache.load("other key") is None
    assert cache.sizes() == [len(CONTENT) + 32]
    assert cache.is_writable()


def test_an_entry_is_replaced(folder: Path) -> None:
    cache.store("key", b"old")
    cache.store("key", CONTENT)
    assert cache.load("key") == CONTENT
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda entry: b"", id="empty"),
        pytest.param(lambda entry: entry[:20], id="shorter-than-the-digest"),
        pytest.param(lambda entry: entry[:-1], id="cut"),
        pytest.param(lambda entry: entry + b"\0", id="too-long"),
        pytest.param(lambda entry: entry[:99] + bytes([entry[99] ^ 1]) + entry[100:], id="a-bit"),
    ],
)
def test_a_damaged_entry_counts_as_absent(folder: Path, damage) -> None:
    cache.store("key", CONTENT)
    path = _entry(folder)
    path.write_bytes(damage(path.read_bytes()))
    assert cache.load("key") is None
    cache.store("key", CONTENT)
    assert cache.load("key") == CONTENT


def test_a_folder_in_the_place_of_an_entry(folder: Path) -> None:
    cache.store("key", CONTENT)
    path = _entry(folder)
    path.unlink()
    path.mkdir()
    assert cache.load("key") is None
    cache.store("key", CONTENT)
    assert cache.load("key") is None
    assert list(folder.iterdir()) == [path], "a temporary file was left behind"


def test_a_file_in_the_place_of_the_folder(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("not a folder")
    cache.store("key", CONTENT)
    assert cache.load("key") is None
    assert not cache.is_writable()
    assert cache.sizes() == []


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="no mode of a folder binds this user"
)
def test_a_read_only_folder(folder: Path) -> None:
    cache.store("key", CONTENT)
    folder.chmod(0o555)
    try:
        cache.store("other key", CONTENT)
        assert cache.load("key") == CONTENT
        assert cache.load("other key") is None
        assert not cache.is_writable()
    finally:
        folder.chmod(0o755)


def test_without_the_variable_it_lies_in_the_cache_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(cache.VARIABLE)
    place = cache.folder()
    assert place is not None
    assert place.is_absolute()
    assert "torch_radon" in place.parts


def test_without_a_home_folder_there_is_no_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setattr(cache, "user_cache_dir", lambda *_, **__: "~/.cache/torch_radon")
    monkeypatch.chdir(tmp_path)
    assert cache.folder() is None
    cache.store("key", CONTENT)
    assert cache.load("key") is None
    assert cache.sizes() == []
    assert not cache.is_writable()
    assert not list(tmp_path.iterdir())


def _write_and_read(folder: str, times: int) -> None:
    os.environ[cache.VARIABLE] = folder
    for number in range(times):
        content = bytes([number % 256]) * 100_000
        cache.store("key", content)
        found = cache.load("key")
        # What another process wrote meanwhile is as good; half of it is not.
        assert found is not None
        assert found == found[:1] * 100_000


def test_processes_that_write_one_entry_at_once(folder: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=_write_and_read, args=(str(folder), 200)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert len(list(folder.iterdir())) == 1
