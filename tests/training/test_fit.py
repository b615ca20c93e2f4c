"""Trainings: stopped ones go on to the same weights, and what is not a number stops them."""

import os
import signal
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from native_calls import NEEDS_COMPILER
from recipes import recipe
from small_digits import SIDE, TEST_IMAGES, TRAINING_IMAGES, binarised, write_digits

from scanline.data.pixels import only_classified
from scanline.models import native
from scanline.models.classifier import Classifier
from scanline.models.predictor import Predictor
from scanline.models.prior import prior_of
from scanline.training import fit as loop
from scanline.training.batches import pixels_of
from scanline.training.checkpoint import Checkpoints
from scanline.training.fit import fit
from scanline.training.objectives import CLASSIFY, PREDICT, Objective, Score

SETTINGS = dict(
    batch_size=8, learning_rate=0.01, warmup_steps=2, decay="cosine", clip_norm=1.0, seed=5
)
RECIPE = recipe(3, **SETTINGS)
NARROW = replace(RECIPE, precision="bfloat16")
AVERAGED = replace(RECIPE, ema_momentum=0.5)
DROPPED = replace(RECIPE, dropout=0.3)
SHIFTED = recipe(3, "classify", shift_pixels=1, **SETTINGS)


def _train(pixel_sets, checkpoints=None, log_epoch=None, recipe=RECIPE, labels=False):
    train, validation = pixel_sets["train"], pixel_sets["validation"]
    kind = Classifier if only_classified(train.description) else Predictor
    reading = {"prior": prior_of(train)} if labels else {}
    model = kind("gru", 4, 1, train.identity, seed=5, **reading)
    curves = fit(
        model,
        PREDICT if kind is Predictor else CLASSIFY,
        train,
        validation,
        recipe,
        label="test",
        checkpoints=checkpoints,
        log_epoch=log_epoch,
    )
    return [weight.numpy() for weight in model.weights], curves


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The weights and curves of a training by RECIPE on ``pixel_sets``, that nothing stops."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder, TRAINING_IMAGES, TEST_IMAGES, SIDE)
    return _train(binarised(folder))


def test_redrawn_images_are_learned_by_the_probabilities_that_they_were_drawn_by(redrawn_sets):
    train = redrawn_sets["train"]
    model, drawn = Predictor("gru", 4, 1, train.identity, seed=5), pixels_of(train, 5, 0)
    by_ink, by_draw = (
        float(tf.reduce_mean(PREDICT.per_image(model, drawn, None, True, ink)[0]))
        for ink in (train.grey / np.float32(255), None)
    )
    _, curves = _train(redrawn_sets, recipe=recipe(1, batch_size=len(train), seed=5))
    steps = curves.by_step
    (minimised,) = steps[(steps["step"] == 1) & (steps["quantity"] == "nats_per_pixel")]["value"]
    assert minimised == pytest.approx(by_ink, rel=1e-5)  # float32
    assert abs(by_ink - by_draw) > 5e-5 * by_ink  # untrained, it is unsure of all


@pytest.fixture
def redrawn_sets(idx_folder):
    """Training images that are drawn anew in each epoch."""
    return binarised(idx_folder, method="bernoulli", redraw="epoch")


def test_a_stopped_training_on_redrawn_images_ends_with_the_same_weights(redrawn_sets, tmp_path):
    test_a_stopped_training_ends_with_the_same_weights(redrawn_sets, tmp_path, RECIPE, False)


@pytest.mark.parametrize("recipe", [RECIPE, SHIFTED, NARROW], ids=["plain", "shifted", "bfloat16"])
def test_a_stopped_training_on_grey_images_ends_with_the_same_weights(grey_sets, tmp_path, recipe):
    """Read in the permuted order, by a classifier."""
    test_a_stopped_training_ends_with_the_same_weights(grey_sets, tmp_path, recipe, False)


def test_another_label_of_one_image_is_another_training(pixel_sets, tmp_path, capsys):
    train = pixel_sets["train"]
    labels = train.labels.copy()
    labels[3] = (labels[3] + 1) % 10
    as_they_are, _ = _train(pixel_sets, tmp_path, labels=True)
    changed, _ = _train(
        pixel_sets | {"train": replace(train, labels=labels)}, tmp_path, labels=True
    )
    assert "belongs to another training" in capsys.readouterr().err
    assert any((a != b).any() for a, b in zip(as_they_are, changed, strict=True))


def test_another_order_is_another_training(grey_sets, tmp_path, capsys):
    train = grey_sets["train"]
    raster = {key: each for key, each in train.description.items() if key != "order"}
    permuted, _ = _train(grey_sets, tmp_path)
    in_rows, _ = _train(grey_sets | {"train": replace(train, description=raster)}, tmp_path)
    assert "belongs to another training" in capsys.readouterr().err
    assert any((a != b).any() for a, b in zip(permuted, in_rows, strict=True))


def test_redrawn_images_are_another_training(redrawn_sets, tmp_path, capsys):
    once = redrawn_sets | {"train": replace(redrawn_sets["train"], grey=None)}
    drawn_once, _ = _train(once, tmp_path)
    redrawn, _ = _train(redrawn_sets, tmp_path)
    assert capsys.readouterr().err.count("belongs to another training") == 2
    assert any((a != b).any() for a, b in zip(drawn_once, redrawn, strict=True))


@pytest.mark.parametrize(
    ("recipe", "labels"),
    [(each, False) for each in (RECIPE, SHIFTED, NARROW, AVERAGED, DROPPED)] + [(RECIPE, True)],
    ids=["plain", "shifted", "bfloat16", "averaged", "dropped", "labels"],
)
def test_a_stopped_training_ends_with_the_same_weights(pixel_sets, tmp_path, recipe, labels):
    whole, whole_curves = _train(pixel_sets, recipe=recipe, labels=labels)

    def stop(epoch, metrics):
        os.kill(os.getpid(), signal.SIGTERM)

    for _ in range(2):
        with pytest.raises(InterruptedError, match="stopped by SIGTERM after step"):
            _train(pixel_sets, tmp_path, stop, recipe, labels)
    assert len(list(tmp_path.glob("step-*.npz"))) == 2
    resumed, curves = _train(pixel_sets, tmp_path, recipe=recipe, labels=labels)
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    pd.testing.assert_frame_equal(curves.by_step, whole_curves.by_step)
    pd.testing.assert_frame_equal(curves.by_epoch, whole_curves.by_epoch)


@NEEDS_COMPILER
def test_a_training_in_bfloat16_is_judged_in_float32_and_says_what_computed_it(
    pixel_sets, undisturbed
):
    exact, in_float32 = undisturbed
    weights, found = _train(pixel_sets, recipe=NARROW)
    assert in_float32.computed["precision"] == "float32"
    assert found.computed["precision"] == "bfloat16"
    words = native.instruction_set("bfloat16")
    assert found.computed["recurrent_layers"] == f"core, {words}"
    assert any(not np.array_equal(a, b) for a, b in zip(weights, exact, strict=True))
    for ours, theirs in zip(weights, exact, strict=True):
        # 12 Adam steps of up to 0.01: where a gradient is near 0, rounding turns its sign.
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=0.12)
    # The model left is that of the best score, which anyone finds again in float32.
    model = Predictor("gru", 4, 1, pixel_sets["train"].identity)
    model.set_weights(weights)
    assert model.stack.precision == "float32"
    score = Score.of(*PREDICT.scorer(model)(pixel_sets["validation"]))
    curve = found.by_epoch.query("split == 'validation' and quantity == 'nats_per_pixel'")
    assert score.nats == curve["value"].min()


def test_a_long_epoch_has_checkpoints_within(pixel_sets, undisturbed, tmp_path, monkeypatch):
    assert loop.SECONDS_BETWEEN_CHECKPOINTS == 120  # as docs/reruns.md says
    seen: list[list[str]] = []
    save = Checkpoints.save

    def save_and_tell(self, step, *content):
        save(self, step, *content)
        seen.append([path.name for path in sorted(self.folder.glob("*.npz*"))])

    monkeypatch.setattr(Checkpoints, "save", save_and_tell)
    _train(pixel_sets, tmp_path / "short")
    assert len(seen) == 3  # of short epochs, one each
    seen.clear()
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_CHECKPOINTS", 0.0)
    _train(pixel_sets, tmp_path)
    names = [f"step-{step:09}.npz" for step in range(1, 13)]  # 3 epochs of 4 steps
    assert seen == [names[:1], *(names[i : i + 2] for i in range(11))]
    # A training that is gone on with in the middle of an epoch ends the same.
    for name in names[-2:]:
        (tmp_path / name).unlink()
    monkeypatch.setattr(loop.Progress, "advance", _stop_at_step_6)
    with pytest.raises(InterruptedError, match="after step 6;"):
        _train(pixel_sets, tmp_path)
    monkeypatch.undo()
    resumed, _ = _train(pixel_sets, tmp_path)
    for ours, theirs in zip(resumed, undisturbed[0], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def _stop_at_step_6(progress, loss, images):
    progress.step += 1
    if progress.step == 6:
        os.kill(os.getpid(), signal.SIGTERM)


class Telling(Objective):
    """Hands pixels on, and keeps what was to seed a draw."""

    def given(self, pixels, *draw):
        DRAWS.append(draw)
        return pixels


DRAWS: list[tuple[int, ...]] = []


def test_a_step_is_given_a_draw_of_its_own(pixel_sets):
    """By the recipe's seed and the step; a split that is scored is drawn alike each time."""
    DRAWS.clear()
    objective = Telling("nats_per_pixel", by_accuracy=False)
    train = pixel_sets["train"]
    model = Predictor("gru", 4, 1, train.identity, seed=5)
    fit(model, objective, train, pixel_sets["validation"], RECIPE, label="test")
    of_steps = [draw for draw in DRAWS if len(draw) == 2]
    assert of_steps == [(5, step) for step in range(12)]
    assert {draw for draw in DRAWS if len(draw) != 2} == {(0,)}


def test_a_training_that_goes_on_says_from_where(pixel_sets, tmp_path, capsys):
    _train(pixel_sets, tmp_path, recipe=replace(RECIPE, epochs=3))
    for path in tmp_path.glob("step-000000012.npz"):
        path.unlink()
    capsys.readouterr()
    _train(pixel_sets, tmp_path)
    first, *_ = capsys.readouterr().err.splitlines()
    assert first == "test: epoch 2/3, step 8: goes on from its checkpoint"


def test_moments_are_recomputed_on_the_first_training_images(pixel_sets, monkeypatch):
    monkeypatch.setattr(loop, "MOMENT_IMAGES", 11)
    train = pixel_sets["train"]
    recomputed = recipe(1, "classify", batch_norm="recomputed", **SETTINGS)
    model = Classifier("gru", 4, 1, train.identity, seed=5)
    fit(model, CLASSIFY, train, pixel_sets["validation"], recomputed, label="test")
    kept = [weight.numpy() for weight in model.weights]
    model.recompute_moments(train.pixels[:11])
    for ours, theirs in zip(kept, model.weights, strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-6, atol=1e-7)


def test_a_damaged_checkpoint_is_passed_over(pixel_sets, tmp_path, capsys):
    whole, _ = _train(pixel_sets, tmp_path)
    older, newest = sorted(tmp_path.glob("step-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-200])
    resumed, _ = _train(pixel_sets, tmp_path)
    assert "is damaged" in capsys.readouterr().err
    assert older.exists()
    for ours, theirs in zip(resumed, whole, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("other", ["recipe", "units", "roles"])
def test_a_checkpoint_of_another_training_is_set_aside(
    pixel_sets, undisturbed, tmp_path, capsys, other
):
    train, held_out = pixel_sets["train"], pixel_sets["validation"]
    model = Predictor("gru", 5 if other == "units" else 4, 1, train.identity, seed=5)
    if other == "roles":
        train, held_out = held_out, train
    longer = replace(RECIPE, epochs=9) if other == "recipe" else RECIPE
    fit(model, PREDICT, train, held_out, longer, label="other", checkpoints=tmp_path)
    capsys.readouterr()
    ours, _ = _train(pixel_sets, tmp_path)
    said = capsys.readouterr().err
    assert said.count("belongs to another training (other settings or images); it is set") == 2
    assert said.count("No checkpoint is left; the training starts anew.") == 1
    assert "goes on from" not in said
    for weight, alone in zip(ours, undisturbed[0], strict=True):
        np.testing.assert_array_equal(weight, alone)


def test_a_checkpoint_with_other_arrays_is_set_aside_and_the_model_left_alone(
    pixel_sets, tmp_path, capsys
):
    whole, _ = _train(pixel_sets, tmp_path)
    for path in tmp_path.glob("step-*.npz"):
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        arrays["optimizer_3"] = arrays["optimizer_3"][:-1]
        np.savez(path, allow_pickle=False, **arrays)
    ours, _ = _train(pixel_sets, tmp_path)
    said = capsys.readouterr().err
    assert said.count("belongs to another training (optimizer_3 has shape") == 2
    for weight, alone in zip(ours, whole, strict=True):
        np.testing.assert_array_equal(weight, alone)


def test_curves_tell_each_step_and_epoch(pixel_sets):
    told = []
    _, curves = _train(pixel_sets, log_epoch=lambda *each: told.append(each))
    table = curves.by_epoch.assign(
        name=curves.by_epoch["split"] + "/" + curves.by_epoch["quantity"]
    )
    values = {n: dict(zip(t["name"], t["value"], strict=True)) for n, t in table.groupby("epoch")}
    assert dict(told) == values
    assert len(curves.by_step) == 3 * 4 * 2  # epochs, steps, quantities
    last = curves.by_epoch[(curves.by_epoch["epoch"] == 3) & (curves.by_epoch["split"] == "train")]
    steps = curves.by_step[(curves.by_step["epoch"] == 3)]
    for quantity in ("nats_per_pixel", "accuracy"):
        mean = steps[steps["quantity"] == quantity]["value"].mean()  # all batches have 8 images
        assert last[last["quantity"] == quantity]["value"].item() == pytest.approx(mean)


@pytest.mark.parametrize("decay", ["constant", "cosine"])
@pytest.mark.parametrize("warmup", [0, 1, 4])
def test_the_learning_rate_by_step(pixel_sets, decay, warmup):
    """It rises linearly in the steps of warm-up; from there it stays, or falls as a cosine to 0."""
    settings = recipe(3, batch_size=8, learning_rate=0.01, warmup_steps=warmup, decay=decay)
    steps = 12  # 3 epochs of 32 images

    def rate(before):  # ``before`` steps are made
        if before < warmup:
            return 0.01 * before / warmup
        if decay == "constant":
            return 0.01
        return 0.01 * (1 + np.cos(np.pi * (before - warmup) / (steps - warmup))) / 2

    wanted = [rate(before) for before in range(steps)]
    _, curves = _train(pixel_sets, recipe=settings)
    of_loss = curves.by_step.query("quantity == 'nats_per_pixel'")
    assert of_loss["step"].tolist() == list(range(1, steps + 1))
    np.testing.assert_allclose(of_loss["learning_rate"], wanted, rtol=1e-5, atol=1e-9)  # float32
    if decay == "cosine":
        assert abs(float(loop.learning_rate_of(settings, 4)(steps))) < 1e-9


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"decay": "linear"}, "decay is 'linear'; allowed: constant, cosine"),
        ({"warmup_steps": 12}, "warmup_steps is 12; the training has 12 steps"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        loop.learning_rate_of(replace(RECIPE, **changed), 4)


@pytest.mark.parametrize("clip_norm", [0.0, 1e-6, 1e3])
def test_a_gradient_is_clipped_at_its_global_norm(pixel_sets, clip_norm):
    """Adam's first step in NumPy. Its epsilon makes it tell a small gradient from a large one."""
    train = pixel_sets["train"]
    model = Predictor("gru", 4, 1, train.identity, seed=5)
    before = [weight.numpy() for weight in model.trainable_variables]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(PREDICT.per_image(model, train.pixels, train.labels, True)[0])
    gradients = [tf.convert_to_tensor(g).numpy() for g in tape.gradient(loss, model.weights)]
    norm = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
    assert 1e-3 < norm < 1e3  # the middle bound cuts, the others do not
    share = min(clip_norm / norm, 1) if clip_norm else 1
    one_step = recipe(1, batch_size=32, learning_rate=0.01, clip_norm=clip_norm, seed=5)
    after, _ = _train(pixel_sets, recipe=one_step)
    epsilon = 1e-7 / np.sqrt(1 - 0.999)
    for weight, start, gradient in zip(after, before, gradients, strict=True):
        step = 0.01 * share * gradient / (np.abs(share * gradient) + epsilon)
        np.testing.assert_allclose(weight - start, -step, atol=2e-5)  # float32


def test_the_mean_of_the_weights_is_scored_and_kept(pixel_sets):
    """Of three steps over all images, each from where the last one led and not from the mean."""
    whole = dict(batch_size=len(pixel_sets["train"]), learning_rate=0.01, seed=5)
    steps = [_train(pixel_sets, recipe=recipe(n, **whole))[0] for n in (1, 2, 3)]
    kept, curves = _train(pixel_sets, recipe=recipe(3, ema_momentum=0.6, **whole))
    for first, second, third, found in zip(*steps, kept, strict=True):
        mean = 0.6 * (0.6 * first + 0.4 * second) + 0.4 * third
        # float32 sums, in the images' order of each training.
        np.testing.assert_allclose(found, mean, atol=1e-5)
        assert np.abs(found - third).max() > 1e-3
    model = Predictor("gru", 4, 1, pixel_sets["train"].identity)
    model.set_weights(kept)
    score = Score.of(*PREDICT.scorer(model)(pixel_sets["validation"]))
    told = curves.by_epoch.query("split == 'validation' and quantity == 'nats_per_pixel'")
    assert told["value"].iloc[-1] == score.nats


def test_each_step_drops_other_outputs_and_scores_drop_none(pixel_sets):
    """By weights that stand still: all images are in each step."""
    still = recipe(3, batch_size=len(pixel_sets["train"]), learning_rate=1e-12, seed=5)
    losses = {
        share: _train(pixel_sets, recipe=replace(still, dropout=share))[1] for share in (0.0, 0.3)
    }
    by_step = {
        share: curves.by_step.query("quantity == 'nats_per_pixel'")["value"].to_numpy()
        for share, curves in losses.items()
    }
    assert np.ptp(by_step[0.0]) < 1e-5
    assert np.abs(np.subtract.outer(by_step[0.3], by_step[0.3])[np.triu_indices(3, 1)]).min() > 1e-4
    ends = [
        curves.by_epoch.query("split == 'validation' and quantity == 'nats_per_pixel'")["value"]
        for curves in losses.values()
    ]
    np.testing.assert_allclose(*ends, rtol=0, atol=1e-6)


def test_a_loss_that_is_no_number_stops_and_says_what_to_try(pixel_sets):
    hopeless = recipe(3, batch_size=8, learning_rate=float("inf"), seed=5)
    with pytest.raises(ArithmeticError, match=r"the loss is nan at step 2 .* lower learning_rate"):
        _train(pixel_sets, recipe=hopeless)


def test_the_better_checkpoint():
    assert CLASSIFY.is_better(Score(0.5, 0.9), Score(0.4, 0.8))
    assert CLASSIFY.is_better(Score(0.4, 0.9), Score(0.5, 0.9))
    assert PREDICT.is_better(Score(0.4, 0.8), Score(0.5, 0.9))
    assert not PREDICT.is_better(Score(0.5, 0.9), Score(0.5, 0.8))
