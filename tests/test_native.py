"""The native core against NumPy from the equations, against Keras, and under bad use."""

import importlib.util
import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import numpy as np
import pytest
import reference
import tensorflow as tf

from scanline import native
from scanline.recurrent import GRU, LSTM, RecurrentStack

CELLS = ("gru", "gru_reset_after", "lstm")
# The processor's flags that each form needs.
FORMS = {
    "avx512": ("avx512f", "avx512dq", "avx512bw", "avx512vl", "fma"),
    "avx2": ("avx2", "fma"),
    "plain": (),
}
# Batch, steps, inputs, units: below and above a block, a segment, a vector; ragged and even; the
# widest inputs and the most units that are promised.
SHAPES = (
    *((1, 1, 1, 8), (5, 9, 2, 19), (33, 17, 3, 21), (100, 16, 32, 32), (130, 3, 1, 70)),
    *((18, 5, 256, 24), (3, 2, 1, 512)),
)


@pytest.fixture(autouse=True)
def _needs_compiler():
    if native.library() is None:
        pytest.skip("no C++ compiler on this machine")


def arguments(cell, shape, dtype, seed=0):
    """Inputs, states, weights as NumPy arrays, drawn at a scale at which gates do not saturate."""
    batch, steps, inputs, units = shape
    rng = np.random.default_rng(seed)
    gates = (4 if cell == "lstm" else 3) * units
    bias = (2, gates) if cell == "gru_reset_after" else (gates,)

    def draw(*size):
        return (rng.normal(size=size) / np.sqrt(size[0])).astype(dtype)

    states = [draw(batch, units) for _ in range(2 if cell == "lstm" else 1)]
    weights = [draw(inputs, gates), draw(units, gates), draw(*bias)]
    return draw(batch, steps, inputs), states, weights


def outcome(cell, x, states, weights, sequences=True, training=True, head=()):
    """Outputs, last states and the gradients of a fixed weighted sum of them all.

    ``head``: none, or one array [units + 1], with which the outputs are logits.
    """
    tensors = [tf.constant(v) for v in (x, *states, *weights, *head)]
    n = 1 + len(states)
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        outputs, after = native.recurrent(
            cell,
            tensors[0],
            tensors[1:n],
            tensors[n : n + 3],
            sequences,
            training,
            True,
            *tensors[n + 3 :],
        )
        results = [outputs, *after]
        loss = tf.add_n([weighted_sum(v) for v in results])
    return [v.numpy() for v in results], [g.numpy() for g in tape.gradient(loss, tensors)]


def weighted_sum(values):
    """A scalar in which each value has its own weight."""
    size = int(np.prod(values.shape))
    factors = np.cos(np.arange(size)).reshape(values.shape)
    if isinstance(values, np.ndarray):
        return float((values * factors).sum())
    return tf.reduce_sum(values * tf.constant(factors, values.dtype))


def available(form, monkeypatch):
    if form != "plain":
        flags = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
        if not all(flag in flags for flag in FORMS[form]):
            pytest.skip(f"this processor does not run {form}")
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_values_equal_the_equations(cell, form, monkeypatch):
    available(form, monkeypatch)
    for shape in SHAPES:
        for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
            x, states, weights = arguments(cell, shape, dtype)
            results, _ = outcome(cell, x, states, weights)
            wide = [v.astype(np.float64) for v in (x, *states, *weights)]
            n = 1 + len(states)
            outputs, after = reference.run(cell, wide[0], tuple(wide[1:n]), wide[n:])
            for found, wanted in zip(results, (outputs, *after), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_gradients_equal_finite_differences_of_the_equations(cell, form, monkeypatch):
    available(form, monkeypatch)
    rng = np.random.default_rng(1)
    for shape in SHAPES[1:3]:
        x, states, weights = arguments(cell, shape, np.float64)
        _, gradients = outcome(cell, x, states, weights)
        arrays = [x, *states, *weights]
        n = 1 + len(states)

        def loss(arrays, n=n):
            outputs, after = reference.run(cell, arrays[0], tuple(arrays[1:n]), arrays[n:])
            return sum(weighted_sum(v) for v in (outputs, *after))

        for index, gradient in enumerate(gradients):
            direction = rng.normal(size=arrays[index].shape)
            ends = []
            for sign in (1, -1):
                moved = list(arrays)
                moved[index] = arrays[index] + sign * 1e-5 * direction
                ends.append(loss(moved))
            # Central differences: an error of the order of 1e-10 times the third derivative.
            slope = (ends[0] - ends[1]) / 2e-5
            assert slope == pytest.approx((gradient * direction).sum(), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("cell", CELLS)
def test_a_head_gives_the_logits_and_gradients_of_an_affine_map_of_the_outputs(
    cell, form, monkeypatch
):
    available(form, monkeypatch)
    for shape in SHAPES:
        for dtype, tolerance in ((np.float32, 1e-5), (np.float64, 1e-12)):
            x, states, weights = arguments(cell, shape, dtype)
            head = np.random.default_rng(2).normal(0, 0.2, shape[3] + 1).astype(dtype)
            values, gradients = outcome(cell, x, states, weights, sequences=False, head=[head])
            tensors = [tf.constant(v) for v in (x, *states, *weights, head)]
            n = 1 + len(states)
            with tf.GradientTape() as tape:
                tape.watch(tensors)
                outputs, after = native.recurrent(
                    cell, tensors[0], tensors[1:n], tensors[n:-1], True, True, True
                )
                logits = tf.linalg.matvec(outputs, tensors[-1][:-1]) + tensors[-1][-1]
                loss = tf.add_n([weighted_sum(v) for v in (logits, *after)])
            assert values[0].shape == shape[:2]
            for found, wanted in zip(values, (logits, *after), strict=True):
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance)
            for found, wanted in zip(gradients, tape.gradient(loss, tensors), strict=True):
                # Sums over the batch and all steps, in another order.
                largest = np.abs(wanted).max()
                np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * largest)


@pytest.mark.parametrize("cell", CELLS)
def test_float32_gradients_equal_float64_gradients(cell):
    for shape in SHAPES:
        narrow = outcome(cell, *arguments(cell, shape, np.float32))[1]
        x, states, weights = arguments(cell, shape, np.float32)
        wide = [[v.astype(np.float64) for v in values] for values in ([x], states, weights)]
        wanted = outcome(cell, wide[0][0], wide[1], wide[2])[1]
        for found, exact in zip(narrow, wanted, strict=True):
            np.testing.assert_allclose(found, exact, rtol=0, atol=1e-4 * np.abs(exact).max())


@pytest.mark.parametrize("cell", CELLS)
def test_result_is_the_same_to_the_bit_for_any_number_of_threads(cell, monkeypatch):
    x, states, weights = arguments(cell, (200, 40, 1, 32), np.float32)
    head = np.linspace(-1, 1, 33, dtype=np.float32)
    found = []
    for count in (1, 2, 3, 8):
        monkeypatch.setattr(native, "threads", lambda count=count: count)
        plain = outcome(cell, x, states, weights)
        read_out = outcome(cell, x, states, weights, sequences=False, head=[head])
        found.append([v.tobytes() for v in itertools.chain(*plain, *read_out)])
    assert all(other == found[0] for other in found[1:])


@pytest.mark.parametrize("cell", CELLS)
def test_gradient_is_the_same_whether_gates_were_kept_or_not(cell):
    case = arguments(cell, SHAPES[2], np.float32)
    kept, anew = (outcome(cell, *case, training=training) for training in (True, False))
    for a, b in zip(kept[0] + kept[1], anew[0] + anew[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("cell", CELLS)
def test_last_state_and_its_gradient_need_no_sequence(cell):
    x, states, weights = arguments(cell, SHAPES[2], np.float32)
    without = outcome(cell, x, states, weights, sequences=False)
    _, after = reference.run(cell, x, tuple(states), weights)
    assert without[0][0].shape == (33, 0, 21)
    np.testing.assert_allclose(without[0][1], after[0], rtol=0, atol=1e-5)


@pytest.mark.parametrize("units", [32, 50])
@pytest.mark.parametrize("kind", ["gru", "gru_reset_after", "lstm"])
def test_layer_equals_keras_layer_in_values_and_gradients(kind, units):
    keras.utils.set_random_seed(3)
    options = dict(implementation="native", return_sequences=True, return_state=True)
    layer = (
        LSTM(units, **options)
        if kind == "lstm"
        else GRU(units, reset_after=kind == "gru_reset_after", **options)
    )
    layer.build((None, None, 3))
    x = tf.constant(np.random.default_rng(0).normal(size=(40, 30, 3)), tf.float32)
    found = []
    for one in (layer, layer.stock()):

        @tf.function
        def run(one=one):
            with tf.GradientTape() as tape:
                results = one(x, training=True)
                loss = tf.add_n([weighted_sum(v) for v in results])
            return results, tape.gradient(loss, one.trainable_variables)

        found.append([[v.numpy() for v in values] for values in run()])
    for ours, theirs in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5)
    for ours, theirs in zip(found[0][1], found[1][1], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("depth", [1, 3])
def test_stack_of_stock_layers_gives_the_same_outputs(cell, depth):
    stack = RecurrentStack(cell, 20, depth)
    stack.build((None, None, 2))
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 25, 2)), tf.float32)
    stock = keras.Sequential(stack.stock_layers())
    np.testing.assert_allclose(stack(x), stock(x), rtol=0, atol=1e-5)
    states = stack.zero_states(7)
    pieces = []
    for begin, end in ((0, 10), (10, 11), (11, 25)):
        outputs, states = stack.run(x[:, begin:end], states)
        pieces.append(outputs)
    np.testing.assert_array_equal(tf.concat(pieces, axis=1), stack(x))
    np.testing.assert_array_equal(stack.last(x), stack(x)[:, -1])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_stack_is_the_same_on_keras_loop_in_values_and_gradients(cell):
    x = tf.constant(np.random.default_rng(0).normal(size=(7, 25, 2)), tf.float32)
    stacks = [RecurrentStack(cell, 20, 3, implementation=form) for form in ("native", "keras")]
    head = keras.layers.Dense(1)
    head.build((None, None, 20))
    found = []
    for stack in stacks:
        stack.build((None, None, 2))
        stack.set_weights(stacks[0].get_weights())
        with tf.GradientTape() as tape:
            tape.watch(x)
            logits, _ = stack.logits(x, stack.zero_states(7), head, training=True)
            loss = weighted_sum(stack.last(x, training=True)) + weighted_sum(stack(x))
            loss += weighted_sum(logits)
        variables = [x, *stack.trainable_variables, *head.trainable_variables]
        found.append([logits, *tape.gradient(loss, variables)])
    np.testing.assert_allclose(stacks[0](x), stacks[1](x), rtol=0, atol=1e-5)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-4 * np.abs(theirs).max())


def test_saved_stack_of_stock_layers_loads_without_this_project(tmp_path):
    stack = RecurrentStack("gru", 8, 2)
    stack.build((None, None, 1))
    model = keras.Sequential([keras.Input((None, 1)), *stack.stock_layers()])
    model.save(tmp_path / "stock.keras")
    x = np.random.default_rng(0).normal(size=(3, 12, 1)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    script = (
        "import keras, numpy as np, sys; m = keras.saving.load_model('stock.keras');"
        "np.save('y.npy', m(np.load('x.npy'))); assert 'scanline' not in sys.modules"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "y.npy"), stack(x), rtol=0, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_pass_through_as_in_the_equations(cell, bad):
    x, states, weights = arguments(cell, (3, 6, 1, 19), np.float32)
    x[1, 2] = bad
    results, _ = outcome(cell, x, states, weights)
    with np.errstate(over="ignore", invalid="ignore"):
        wanted, _ = reference.run(cell, x, tuple(states), weights)
    np.testing.assert_allclose(results[0], wanted, rtol=0, atol=1e-5)


def test_unknown_form_is_refused(monkeypatch):
    monkeypatch.setenv("SCANLINE_KERNEL_FORM", "mmx")
    with pytest.raises(tf.errors.InvalidArgumentError, match="allowed: avx512, avx2, plain"):
        outcome("gru", *arguments("gru", SHAPES[0], np.float32))


def test_wrong_shapes_are_refused_by_name():
    x, states, weights = arguments("gru", SHAPES[1], np.float32)
    ops = native.library()
    settings = dict(cell="gru", sequences=True, keep=False, threads=1)
    given = dict(x=x, h=states[0], c=np.zeros((0, 0), np.float32), head=np.zeros(0, np.float32))
    given |= dict(zip(("kernel", "recurrent_kernel", "bias"), weights, strict=True))
    for name, wrong in (
        ("kernel", weights[0][:, :-1]),
        ("recurrent_kernel", weights[1][:-1]),
        ("bias", weights[2][:-1]),
        ("head", np.zeros(5, np.float32)),
        ("h", states[0][:-1]),
        ("x", x[0]),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=f"{name} has shape .*; wanted"):
            ops.scanline_recurrent(**(given | {name: wrong}), **settings)


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


FORKING = """
import os, sys
import numpy as np
from scanline import native
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
    environment = os.environ | {"PYTHONPATH": str(Path(native.__file__).parents[1])}
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
from scanline import native
assert native.compiler() == [sys.executable, "-m", "ziglang", "c++"], native.compiler()
x, h, *weights = np.load(sys.argv[1]).values()
outputs, _ = native.recurrent("gru", x, [h], weights, True, False, False)
np.save(sys.argv[2], outputs)
"""


def test_zig_from_pypi_builds_the_core_where_there_is_no_other_compiler(tmp_path):
    if not importlib.util.find_spec("ziglang"):
        pytest.skip("PyPI's ziglang is not installed")
    x, states, weights = arguments("gru", SHAPES[2], np.float32)
    np.savez(tmp_path / "given.npz", x, *states, *weights)
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {
        "PATH": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    command = [sys.executable, "-c", BUILT_BY_ZIG, tmp_path / "given.npz", tmp_path / "found.npy"]
    subprocess.run(command, env=environment, check=True)
    wanted, _ = reference.run("gru", x, tuple(states), weights)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), wanted, rtol=0, atol=1e-5)


def test_empty_batch_has_empty_results_and_zero_weight_gradients():
    x, states, weights = arguments("gru", SHAPES[1], np.float32)
    values, gradients = outcome("gru", x[:0], [states[0][:0]], weights)
    assert values[0].shape == (0, 9, 19)
    assert all(not g.any() for g in gradients)


PROGRAM = """
import numpy as np, tensorflow as tf
from scanline.recurrent import RecurrentStack
stack = RecurrentStack("gru", 16, 1)
stack.build((None, None, 1))
print(stack.recurrent_layers[0].runs_natively(), float(tf.reduce_sum(stack(tf.ones((2, 5, 1))))))
"""


def test_keras_takes_over_where_there_is_no_compiler(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "CXX"} | {"PATH": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=environment | {"PYTHONPATH": str(Path(native.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    if "True" in done.stdout:
        pytest.skip("PyPI's ziglang is installed: a compiler that cannot be hidden")
    assert done.stdout.startswith("False")
    assert done.stderr.count("no C++ compiler found") == 1


def test_native_is_refused_for_what_the_core_does_not_know():
    layer = GRU(8, implementation="native", activation="relu")
    layer.build((None, None, 1))
    with pytest.raises(ValueError, match="use 'auto' or 'keras'"):
        layer(tf.zeros((1, 2, 1)))
    with pytest.raises(ValueError, match="implementation is 'fast'; allowed: auto, native, keras"):
        GRU(8, implementation="fast")


def test_auto_falls_back_to_keras_for_other_activations():
    keras.utils.set_random_seed(0)
    layer = GRU(8, activation="relu", return_sequences=True)
    layer.build((None, None, 1))
    x = tf.ones((2, 5, 1))
    np.testing.assert_array_equal(layer(x), layer.stock()(x))


def test_core_is_clean_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    sanitize = ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [*native.compiler(), *native.FLAGS, *sanitize, f"-I{native.SOURCE}"]
    core = native.SOURCE / "recurrent.cc"
    sources = {name: (core, flags) for name, flags in native.forms().items()}
    sources["main"] = (Path(__file__).with_name("sanitized_core.cc"), ())
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
