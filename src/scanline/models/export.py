"""Turns models of this study into models of Keras alone, which load without this project."""

from pathlib import Path

import keras

from scanline.models.classifier import Classifier
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor


def export_stock(model: keras.Model) -> keras.Model:
    """A functional model of stock layers with the weights of ``model``, for evaluation.

    It reads what the stack reads, [B, T, D] (``PixelInputs``; for a classifier the pixels, D = 1),
    and gives a predictor's logits [B, T], or a classifier's [B, 10]. Raises ValueError for a model
    that is neither.
    """
    if not isinstance(model, Predictor | Classifier):
        raise ValueError(f"a {type(model).__name__} is given; needed is a Predictor or Classifier")
    layers = model.stack.stock_layers()
    head = [model.logit] if isinstance(model, Predictor) else model.head
    layers[-1].return_sequences = isinstance(model, Predictor)
    outputs = inputs = keras.Input((None, layers[0].cell.kernel.shape[0]), name="inputs")
    for layer in layers:
        outputs = layer(outputs)
    for layer in head:
        twin = type(layer).from_config(layer.get_config())
        outputs = twin(outputs)
        twin.set_weights(layer.get_weights())
    if isinstance(model, Predictor):
        outputs = keras.layers.Reshape((-1,), name="logits")(outputs)
    return keras.Model(inputs, outputs, name=model.name)


def stock_of(path: Path) -> keras.Model:
    """``export_stock`` of the model of a .keras file; ValueError, naming it, where it has none."""
    return export_stock(load_model(path, keras.Model, None))
