"""The native recurrent core: built from kernel/ when first needed, loaded into TensorFlow.

``python -m scanline.models.native`` builds it and says where it lies. Where no compiler is
found, one line says so and Keras' own layers do the work.
"""

import ctypes
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Literal, get_args

import tensorflow as tf
from filelock import FileLock
from platformdirs import user_cache_path

from scanline.files import sha256_of, write_whole
from scanline.models.reading import Reading

Precision = Literal["float32", "bfloat16"]
PRECISIONS = get_args(Precision)
SOURCE = Path(__file__).resolve().parent.parent / "kernel"
CHECKOUT = SOURCE.parents[2]
CACHE = user_cache_path("scanline", appauthor=False) / "kernel"
FLAGS = ("-std=c++17", "-O3", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
WIDEST = 65536  # numbers that a step may read; the limit of ops.cc
# The forms of recurrent.cc: what the compiler may use in each. The fastest that the processor
# runs is chosen at run time; SCANLINE_KERNEL_FORM names another. Where the compiler does not know
# amxbf16, the core is built without.
AVX512 = ("-mavx512f", "-mavx512dq", "-mavx512bw", "-mavx512vl", "-mavx2", "-mfma")
TILES = ("-mamx-tile", "-mamx-bf16")
X86_FORMS = {
    "amxbf16": (*AVX512, "-mavx512bf16", *TILES),  # avx512, but for products of bfloat16, by tiles
    "avx512bf16": (*AVX512, "-mavx512bf16"),  # avx512, but for products of bfloat16
    "avx512": AVX512,
    "avx2": ("-mavx2", "-mfma"),
}


class NoCompilerError(RuntimeError):
    """No C++ compiler was found, or the one found failed."""


def compiler() -> list[str]:
    """The command of the first C++ compiler found: $CXX, c++, g++, clang++, or PyPI's ziglang.

    Raises NoCompilerError where there is none.
    """
    for name in (os.environ.get("CXX"), "c++", "g++", "clang++"):
        if name and (path := shutil.which(name)):
            return [path]
    if importlib.util.find_spec("ziglang"):
        # By itself it compiles for this processor only; the plain form must run on any.
        return [sys.executable, "-m", "ziglang", "c++", "-mcpu=baseline"]
    raise NoCompilerError(
        "no C++ compiler found ($CXX, c++, g++, clang++, PyPI's ziglang); install one of them"
    )


def forms() -> dict[str, tuple[str, ...]]:
    """The forms of recurrent.cc for this kind of processor, each with its compiler flags."""
    return {"plain": (), **(X86_FORMS if platform.machine() in ("x86_64", "AMD64") else {})}


def build_folders() -> list[Path]:
    """Where the core may lie, best first: build/ of a checkout, then the user's cache folder."""
    checkout = [CHECKOUT / "build" / "kernel"] if (CHECKOUT / "Snakefile").is_file() else []
    return [*checkout, CACHE]


def build(command: Sequence[str]) -> Path:
    """Compiles kernel/ with the compiler ``command`` -> the library, once for all later calls.

    It lies in the first of ``build_folders`` that can be written. One that is not as
    it was built is built anew. Raises NoCompilerError, with what the compiler said, and OSError
    where neither folder can be written.
    """
    version = subprocess.run([*command, "--version"], capture_output=True, text=True).stdout
    key = hashlib.sha256(f"{version} {command[1:]} {FLAGS} {forms()} {tf.__version__}".encode())
    for path in sorted(SOURCE.iterdir()):
        key.update(path.read_bytes())
    name = f"scanline-{key.hexdigest()[:16]}.so"
    for folder in build_folders():
        library = folder / name
        if _is_whole(library):
            return library
        with suppress(OSError) if folder != CACHE else nullcontext():
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "lock"):
                if not _is_whole(library):
                    _compile([*command, *FLAGS], library)
            return library
    raise AssertionError("the last folder returns or raises")


def library() -> ModuleType | None:
    """The loaded operations, or None where they cannot be built; the reason is printed, once."""
    return _library()[0]


def why_missing() -> str:
    """Why there is no ``library``; empty where there is one."""
    return _library()[1]


@cache
def _built() -> Path:
    """The library of this process: two would register each operation twice."""
    return build(compiler())


@cache
def _library() -> tuple[ModuleType | None, str]:
    try:
        return tf.load_op_library(str(_built())), ""
    except (NoCompilerError, OSError, tf.errors.OpError) as error:
        reason = " ".join(str(error).split())[:300]
        print(
            f"The native core is not used: {reason}. Keras' recurrent layers do its work, slower.",
            file=sys.stderr,
        )
        return None, reason


def threads() -> int:
    """Threads of one call: TensorFlow's setting, or the processors that this process may use."""
    return tf.config.threading.get_intra_op_parallelism_threads() or len(os.sched_getaffinity(0))


def check_precision(precision: str) -> None:
    """Raises ValueError unless it is one of PRECISIONS."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}; allowed: {', '.join(PRECISIONS)}")


def instruction_set(precision: str = "float32") -> str:
    """The form of the core that computes in ``precision`` here, and how it multiplies.

    For example ``avx512bf16 vdpbf16ps``; "keras" where the core cannot be built. Raises ValueError
    where SCANLINE_KERNEL_FORM names a form that this processor does not run.
    """
    if library() is None:
        return "keras float32"
    function = ctypes.CDLL(str(_built())).scanline_instruction_set
    function.restype = ctypes.c_char_p
    words = function(precision == "bfloat16").decode()
    if words.startswith("SCANLINE_KERNEL_FORM"):
        raise ValueError(words)
    return words


def shared_beginnings(inputs: tf.Tensor | Reading, states: Sequence[tf.Tensor]) -> tf.Tensor:
    """How many steps each sequence has in common with most others from the start: int32 [B].

    ``states`` are all first states, of every layer. What ``recurrent`` computes once.
    """
    ops = library()
    if ops is None:
        raise NoCompilerError("the native core could not be built")
    x, looked_up = _split(inputs, states[0].dtype)
    joint = states[0] if len(states) == 1 else tf.concat(states, axis=1)
    return ops.scanline_shared(
        x=x, seen=looked_up["seen"], sources=looked_up["sources"], states=joint
    )


def recurrent(
    cell: str,
    inputs: tf.Tensor | Reading,
    states: Sequence[tf.Tensor],
    weights: Sequence[tf.Tensor],
    sequences: bool,
    training: bool,
    input_gradient: bool,
    head: tf.Tensor | None = None,
    loop: Callable | None = None,
    precision: Precision = "float32",
    shared: tf.Tensor | None = None,
    shared_gradient: bool = False,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """One layer over all steps -> its outputs [B, T, units], the states after the last.

    ``cell`` is gru, gru_reset_after or lstm; inputs [B, T, D]; states h or h, c [B, units]; weights
    kernel, recurrent_kernel, bias in Keras' layout. Without ``sequences`` the outputs are [B, 0,
    units]. In ``training`` the gates are kept for the gradient; otherwise a gradient first computes
    them anew. Without ``input_gradient`` the inputs have none. With a ``head`` [units + 1], weights
    and bias of a step's logit, the outputs are logits [B, T]; those of the units are not held.
    ``loop``(inputs, states, weights), outputs and last states by TensorFlow's operations, is
    differentiated for gradients of gradients and forward mode; without it there are none.

    ``precision`` bfloat16 rounds both operands of every product to it, forward and backward; sums,
    states, gates and weights stay float32. ``shared`` (``shared_beginnings``) lets steps that
    sequences have in common be computed once, with the same results. Backward this is done with
    ``shared_gradient`` alone: then what the common inputs and first states add to their gradients
    is summed up in one of the sequences.
    """
    ops = library()
    if ops is None:
        raise NoCompilerError("the native core could not be built")
    dtype = states[0].dtype
    check_precision(precision)
    if precision == "bfloat16" and dtype != tf.float32:
        raise ValueError(
            f"precision is 'bfloat16' and states are {dtype.name}; allowed: float32 states"
        )
    if precision == "bfloat16":
        _tell_of_rounding()
    x, looked_up = _split(inputs, dtype)
    apart = tf.zeros(0, tf.int32)
    together = apart if shared is None else shared
    fixed = dict(
        cell=cell, precision=precision, sequences=sequences, threads=threads(), **looked_up
    )
    names = ("x", "h", "c", "kernel", "recurrent_kernel", "bias", "head")
    results_of = ("d_sequence", "d_logits", "d_h", "d_c")
    steps = loop
    if loop and isinstance(inputs, Reading):  # x is empty then
        steps = partial(_on_reading, loop, inputs)

    @tf.custom_gradient
    def layer(*arguments):
        named = fixed | dict(zip(names, arguments, strict=True))
        # What is kept for the backward pass is laid out as the sequences are shared there.
        laid_out = named | {"shared": together if shared_gradient else apart}
        forward = laid_out if training else named | {"shared": together}
        *results, kept = ops.scanline_recurrent(**forward, keep=training)

        def gradient(*d_results):
            gates = kept if training else ops.scanline_recurrent(**laid_out, keep=True).kept

            @tf.custom_gradient
            def differentiated(*given):
                gradients = ops.scanline_recurrent_backward(
                    **(laid_out | dict(zip((*names, *results_of), given, strict=True))),
                    kept=gates,
                    input_gradient=input_gradient,
                )
                return list(gradients), partial(_second_gradient, steps, cell, sequences, given)

            gradients = list(differentiated(*arguments, *d_results))
            if not input_gradient:
                gradients[0] = None
            for value, argument in zip(gradients, arguments, strict=True):
                if value is not None:
                    value.set_shape(argument.shape)
            return gradients

        return results, gradient

    states_given = states if cell == "lstm" else (*states, tf.zeros((0, 0), dtype))
    no_head = tf.zeros(0, dtype)
    outputs, logits, h, c = layer(x, *states_given, *weights, no_head if head is None else head)
    if head is None:
        length = x.shape[1] if sequences else 0
        outputs = tf.ensure_shape(outputs, (x.shape[0], length, weights[1].shape[0]))
    else:
        outputs = tf.ensure_shape(logits, x.shape[:2])
    h = tf.ensure_shape(h, states[0].shape)
    return outputs, [h, tf.ensure_shape(c, states[1].shape)] if cell == "lstm" else [h]


def _split(inputs: tf.Tensor | Reading, dtype: tf.DType) -> tuple[tf.Tensor, dict]:
    """The numbers [B, T, D] of the inputs, and what the core looks up beside them."""
    if isinstance(inputs, Reading):
        looked_up = dict(seen=inputs.seen, sources=inputs.sources, places=inputs.places)
        return tf.zeros((inputs.batch, inputs.steps, 0), dtype), looked_up | {
            "by_source": inputs.by_source
        }
    nothing = tf.zeros((0, 0), tf.int32)
    return inputs, dict(
        seen=tf.zeros((0, 0), tf.uint8), sources=nothing, places=nothing, by_source=False
    )


@cache
def _tell_of_rounding() -> None:
    """One line where bfloat16 has no instruction of its own here."""
    words = instruction_set("bfloat16")
    if "dpbf16ps" not in words:
        print(
            f"bfloat16 is slower than float32 here: products are {words} (this processor, or "
            "SCANLINE_KERNEL_FORM, has no vdpbf16ps).",
            file=sys.stderr,
        )


def _on_reading(loop: Callable, reading: Reading, _, states, weights):
    return loop(reading.dense(), states, weights)


def _second_gradient(
    loop: Callable | None, cell: str, sequences: bool, given: Sequence[tf.Tensor], *d_gradients
) -> list[tf.Tensor]:
    """Gradients of the backward operation's results with regard to what it was ``given``.

    That is the operation's arguments and the gradients of its results; ``loop`` stands for both.
    """
    if loop is None:
        raise LookupError("the native core has no second gradient here; use core='keras'")
    arguments, d_results = given[:7], given[7:]
    with tf.GradientTape() as outer:
        outer.watch(given)
        with tf.GradientTape() as inner:
            inner.watch(arguments)
            x, h, c, *weights, head = arguments
            outputs, states = loop(x, [h, c] if cell == "lstm" else [h], weights)
            results = [*states]
            wanted = list(d_results[2:][: len(states)])
            if sequences:
                results.append(outputs)
                wanted.append(d_results[0])
            if head.shape[0]:
                results.append(tf.linalg.matvec(outputs, head[:-1]) + head[-1])
                wanted.append(d_results[1])
        zero = tf.UnconnectedGradients.ZERO
        first = inner.gradient(results, arguments, wanted, unconnected_gradients=zero)
    return outer.gradient(first, given, d_gradients, unconnected_gradients=zero)


def _is_whole(library: Path) -> bool:
    """Whether a library is there as it was built: a damaged one would crash, or compute wrongly."""
    try:
        return sha256_of(library) == _sum_of(library).read_text()
    except OSError:
        return False


def _sum_of(library: Path) -> Path:
    return library.with_suffix(".sha256")


def _compile(command: list[str], library: Path) -> None:
    """Compiles all files side by side, links them, and puts the library in place whole."""
    framework = next(Path(tf.sysconfig.get_lib()).glob("libtensorflow_framework.*"))
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        parts = [
            (SOURCE / "recurrent.cc", name, [*flags, f"-DSCANLINE_FORM={name}"])
            for name, flags in forms().items()
            if name != "amxbf16" or _knows(command, TILES)
        ]
        parts.append((SOURCE / "ops.cc", "ops", [f"-I{tf.sysconfig.get_include()}"]))
        calls = [
            [*command, *flags, "-c", str(source), "-o", f"{folder}/{name}.o"]
            for source, name, flags in parts
        ]
        with ThreadPoolExecutor() as pool:
            list(pool.map(_call, calls))
        linked = f"{folder}/linked.so"
        objects = [call[-1] for call in calls]
        _call([*command, "-shared", "-pthread", *objects, str(framework), "-o", linked])
        library.unlink(missing_ok=True)  # never loaded with the checksum of another
        write_whole(_sum_of(library), sha256_of(Path(linked)).encode())
        os.replace(linked, library)


def _knows(command: list[str], flags: Sequence[str]) -> bool:
    """Whether the compiler has what ``flags`` ask of it."""
    call = [*command, *flags, "-fsyntax-only", "-x", "c++", os.devnull]
    return not subprocess.run(call, capture_output=True).returncode


def _call(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise NoCompilerError(f"{command[0]} failed on scanline/kernel: {done.stderr}")


if __name__ == "__main__":
    try:
        print(build(compiler()))
    except NoCompilerError as error:
        sys.exit(" ".join(str(error).split()))
