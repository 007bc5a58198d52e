"""Sources become machine code, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nvrtc import HEADER, REVERSE, SCALE, SOURCE, needs_nvrtc, write_source
from torch_radon.backends.cuda import cache, compiler, toolkit
from torch_radon.backends.cuda.compiler import cache_key, compile_kernels, load_or_compile
from torch_radon.backends.cuda.errors import CompilationError, ToolkitError

pytestmark = needs_nvrtc


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path / "kernels")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv(cache.VARIABLE, str(folder))
    return folder


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names compiled so far, in order."""
    done: list[str] = []

    def compile_and_note(source, names, architecture):
        done.extend(names)
        return compile_kernels(source, names, architecture)

    monkeypatch.setattr(compiler, "compile_kernels", compile_and_note)
    return done


def test_machine_code_with_the_names_that_were_asked_for(source: Path) -> None:
    cubin = compile_kernels(source, [SCALE, REVERSE], "sm_90")
    assert cubin.code.startswith(b"\x7fELF")
    assert set(cubin.symbols) == {SCALE, REVERSE}
    for symbol in cubin.symbols.values():
        assert symbol.encode() in cubin.code


def test_the_second_time_it_comes_from_the_cache(source: Path, compilations: list[str]) -> None:
    first = load_or_compile(source, [SCALE], "sm_90")
    second = load_or_compile(source, [SCALE], "sm_90")
    assert compilations == [SCALE]
    assert (second.code, second.symbols) == (first.code, first.symbols)


def test_a_damaged_entry_is_compiled_again(
    source: Path, folder: Path, compilations: list[str]
) -> None:
    first = load_or_compile(source, [SCALE], "sm_90")
    (entry,) = folder.iterdir()
    entry.write_bytes(entry.read_bytes()[:-1])
    assert load_or_compile(source, [SCALE], "sm_90").symbols == first.symbols
    load_or_compile(source, [SCALE], "sm_90")
    assert compilations == [SCALE, SCALE]


def test_without_a_cache_it_compiles_each_time(
    source: Path, folder: Path, compilations: list[str]
) -> None:
    folder.write_text("not a folder")
    first = load_or_compile(source, [SCALE], "sm_90")
    assert load_or_compile(source, [SCALE], "sm_90").symbols == first.symbols
    assert compilations == [SCALE, SCALE]


def _key(source: Path, **changes) -> str:
    arguments = {"names": [SCALE], "architecture": "sm_90", "nvrtc": toolkit.nvrtc()} | changes
    return cache_key(source, **arguments)


def test_the_key_covers_what_the_code_depends_on(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvrtc = toolkit.nvrtc()
    headers = tmp_path / "headers"
    headers.mkdir()
    keys = [
        _key(source),
        _key(source, names=[REVERSE]),
        _key(source, names=[SCALE, REVERSE]),
        _key(source, architecture="sm_80"),
        _key(source, nvrtc=nvrtc._replace(version=(99, 0))),
        _key(source, nvrtc=nvrtc._replace(build="another")),
        _key(source, nvrtc=nvrtc._replace(headers=headers)),
    ]
    (headers / "cuda_fp16.h").write_text("// another version")
    keys.append(_key(source, nvrtc=nvrtc._replace(headers=headers)))
    with monkeypatch.context() as patch:
        patch.setitem(compiler._OPTIONS, "std", "c++20")
        keys.append(_key(source))
    assert len(set(keys)) == len(keys)
    assert _key(source) == keys[0], "the key is not reproducible"


@pytest.mark.parametrize("name", ["scale.cu", "factor.cuh", "nested.cuh"])
def test_the_key_covers_every_file(source: Path, name: str) -> None:
    before = _key(source)
    path = source.with_name(name)
    text = path.read_text()
    path.write_text(text + "// changed\n")
    os.utime(path, (0, 0))
    assert _key(source) != before
    path.write_text(text)
    assert _key(source) == before


def test_the_key_does_not_cover_other_files(source: Path, tmp_path: Path) -> None:
    before = _key(source)
    source.with_name("other.cuh").write_text("// not included")
    assert _key(source) == before
    assert _key(write_source(tmp_path / "elsewhere")) == before


def test_a_changed_header_is_compiled(source: Path, compilations: list[str]) -> None:
    first = load_or_compile(source, [SCALE], "sm_90")
    source.with_name("factor.cuh").write_text(HEADER.replace("kNested;", "3.0f * kNested;"))
    assert load_or_compile(source, [SCALE], "sm_90").code != first.code
    assert compilations == [SCALE, SCALE]


def test_headers_in_the_working_folder_are_not_taken(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "factor.cuh").write_text("#error wrong header")
    monkeypatch.chdir(tmp_path)
    assert compile_kernels(source, [SCALE], "sm_90").symbols


def test_a_rejected_source_shows_the_whole_log(source: Path, folder: Path) -> None:
    source.write_text(SOURCE.replace("float(shift)", "unknown").replace("line[i] =", "lin[i] ="))
    with pytest.raises(CompilationError) as caught:
        load_or_compile(source, [SCALE], "sm_90")
    for text in (str(caught.value), caught.value.log):
        assert f'{source}(8): error: identifier "unknown" is undefined' in text
        assert f'{source}(14): error: identifier "lin" is undefined' in text
    assert str(caught.value).startswith("scale.cu: NVRTC 1")
    assert "scale<float, 2> for sm_90" in str(caught.value)
    assert not folder.exists()


def test_an_unknown_instantiation(source: Path) -> None:
    with pytest.raises(CompilationError, match="shrink"):
        load_or_compile(source, ["shrink<float>"], "sm_90")


def test_an_unknown_architecture(source: Path) -> None:
    with pytest.raises(ToolkitError, match=r"cannot compile for sm_20, only for .*sm_90.*needs"):
        load_or_compile(source, [SCALE], "sm_20")


PROGRAM = """
import sys
from pathlib import Path
from torch_radon.backends.cuda.compiler import load_or_compile
for name in sys.argv[2:]:
    assert load_or_compile(Path(sys.argv[1]), [name], "sm_90").symbols[name]
"""


def test_processes_that_compile_at_once(source: Path, folder: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(source), SCALE, REVERSE]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(300) for process in both] == [0, 0]
    assert len(list(folder.iterdir())) == 2
