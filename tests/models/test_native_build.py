"""The native core as a library: built by which compiler, from threads and forks, sanitized."""

import importlib.util
import itertools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import reference
from native_calls import CELLS, NEEDS_COMPILER, arguments, outcome

from scanline.models import native

pytestmark = NEEDS_COMPILER


def test_calls_from_several_python_threads_do_not_disturb_each_other():
    cases = [
        (cell, arguments(cell, (96, 30, 1, 32), np.float32, seed=seed))
        for seed, cell in enumerate(CELLS * 3)
    ]

    def bits(case):
        return [v.tobytes() for v in itertools.chain(*outcome(case[0], *case[1]))]

    alone = [bits(case) for case in cases]
    with ThreadPoolExecutor(len(cases)) as pool:
        assert list(pool.map(bits, cases)) == alone


@pytest.fixture
def folders(tmp_path, monkeypatch) -> tuple[Path, Path]:
    """Where the core is looked for: two empty folders."""
    made = tmp_path / "build/kernel", tmp_path / "cache"
    (tmp_path / "Snakefile").touch()
    monkeypatch.setattr(native, "CHECKOUT", tmp_path)
    monkeypatch.setattr(native, "CACHE", made[1])
    for folder in made:
        folder.mkdir(parents=True)
    return made


@pytest.fixture(scope="module")
def sound() -> Path:
    return native.build(native.compiler())


def put(library: Path, folder: Path) -> Path:
    """A copy of the core with its checksum."""
    for path in (library, library.with_suffix(".sha256")):
        shutil.copy(path, folder)
    return folder / library.name


@pytest.fixture
def compiled(sound, monkeypatch) -> None:
    """What would be compiled, in a minute, is copied."""
    monkeypatch.setattr(native, "_compile", lambda command, library: shutil.copy(sound, library))


def test_a_core_that_is_cut_short_is_built_anew(sound, folders, compiled):
    library = put(sound, folders[0])
    os.truncate(library, 150_000)
    assert native.build(native.compiler()) == library
    assert library.read_bytes() == sound.read_bytes()


@pytest.mark.parametrize("damage", ["flipped", "no checksum", "checksum cut"])
def test_a_damaged_core_is_noticed(sound, folders, damage):
    library = put(sound, folders[0])
    checksum = library.with_suffix(".sha256")
    assert native._is_whole(library)
    if damage == "flipped":
        content = bytearray(library.read_bytes())
        content[len(content) // 2] ^= 1
        library.write_bytes(content)
    elif damage == "no checksum":
        checksum.unlink()
    else:
        checksum.write_text(checksum.read_text()[:32])
    assert not native._is_whole(library)


def test_where_the_project_cannot_be_written_the_user_s_cache_serves(
    sound, folders, compiled, monkeypatch
):
    built, cache = folders
    built.rmdir()
    built.write_text("a file, so that no folder can be made there")
    library = put(sound, cache)
    assert native.build(native.compiler()) == library
    os.remove(library)
    assert native.build(native.compiler()) == library
    monkeypatch.setattr(native, "CACHE", built / "none")
    with pytest.raises(OSError, match="Not a directory"):
        native.build(native.compiler())


FORKING = """
import os, sys
import numpy as np
from scanline.models import native
native.threads = lambda: 4
ops = native.library()
def run():
    rng = np.random.default_rng(0)
    x, h, kernel, recurrent_kernel, bias = (
        rng.normal(0, 0.3, size).astype(np.float32)
        for size in ((256, 60, 1), (256, 32), (1, 96), (32, 96), 96)
    )
    outputs, _ = native.recurrent(
        "gru", x, [h], [kernel, recurrent_kernel, bias], True, False, False
    )
    return outputs.numpy().tobytes()
before = run()
child = os.fork()
if not child:
    os._exit(0 if run() == before else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), run() == before)
"""


def test_core_works_in_a_forked_process_and_in_its_parent_after():
    environment = os.environ | {"PYTHONPATH": str(Path(native.__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", FORKING],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.stdout == "0 True\n", done.stderr[-2000:]


BUILT_BY_ZIG = """
import sys
import numpy as np
from scanline.models import native
assert native.compiler()[1:4] == ["-m", "ziglang", "c++"], native.compiler()
x, h, *weights = np.load(sys.argv[1]).values()
outputs, _ = native.recurrent("gru", x, [h], weights, True, False, False)
np.save(sys.argv[2], outputs)
print(native.instruction_set("float32"), native.instruction_set("bfloat16"))
"""


def test_zig_from_pypi_builds_the_core_where_there_is_no_other_compiler(tmp_path):
    if not importlib.util.find_spec("ziglang"):
        pytest.skip("PyPI's ziglang is not installed")
    x, states, weights = arguments("gru", (33, 17, 3, 21), np.float32)
    np.savez(tmp_path / "given.npz", x, *states, *weights)
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {
        "PATH": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", BUILT_BY_ZIG, tmp_path / "given.npz", tmp_path / "found.npy"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    own = (native.instruction_set(precision) for precision in native.PRECISIONS)
    assert done.stdout.split("\n")[-2] == " ".join(own)  # zig finds all that the processor has
    wanted, _ = reference.run("gru", x, tuple(states), weights)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), wanted, rtol=0, atol=1e-5)


PROGRAM = """
import numpy as np, tensorflow as tf
from scanline.models.stack import RecurrentStack
stack = RecurrentStack("gru", 16, 1)
stack.build((None, None, 1))
print(stack.recurrent_layers[0].runs_natively(), float(tf.reduce_sum(stack(tf.ones((2, 5, 1))))))
"""


def test_keras_takes_over_where_there_is_no_compiler(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {"PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | {"PYTHONPATH": str(Path(native.__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    if "True" in done.stdout:
        pytest.skip("PyPI's ziglang is installed: a compiler that cannot be hidden")
    assert done.stdout.startswith("False")
    assert done.stderr.count("no C++ compiler found") == 1


def test_core_is_clean_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    sanitize = ["-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [*native.compiler(), *native.FLAGS, *sanitize, f"-I{native.SOURCE}"]
    core = native.SOURCE / "recurrent.cc"
    sources = {
        name: (core, flags)
        for name, flags in native.forms().items()
        if name != "amxbf16" or native._knows(command, native.TILES)
    }
    sources["main"] = (Path(__file__).parents[1] / "helpers/sanitized_core.cc", ())
    running = []
    for name, (source, flags) in sources.items():
        compiled = ["-c", str(source), "-o", f"{tmp_path}/{name}.o"]
        call = [*command, *flags, f"-DSCANLINE_FORM={name}", *compiled]
        running.append(subprocess.Popen(call, stderr=subprocess.PIPE, text=True))
    for process in running:
        _, words = process.communicate()
        assert process.returncode == 0, words
    objects = [f"{tmp_path}/{name}.o" for name in sources]
    linked = subprocess.run(
        [*command, *objects, "-o", f"{tmp_path}/core"], capture_output=True, text=True
    )
    if linked.returncode and "asan" in linked.stderr:
        pytest.skip("the compiler has no AddressSanitizer")
    done = subprocess.run([f"{tmp_path}/core"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "clean\n"), done.stderr[-2000:]


def test_the_core_lies_in_a_checkout_else_in_the_user_s_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(native, "CHECKOUT", tmp_path)
    assert native.build_folders() == [native.CACHE]  # a Python's lib folder, for example
    (tmp_path / "Snakefile").touch()
    assert native.build_folders() == [tmp_path / "build/kernel", native.CACHE]


def test_what_the_compiler_knows():
    command = native.compiler()
    assert native._knows(command, ["-O2"])
    assert not native._knows(command, ["-mno-such-processor"])
