"""Models that leave, an image in and logits out: for Keras alone, ONNX, TensorFlow Lite.

What a step reads (``models.inputs``) is gathered inside the graph. A .keras file says nothing that
Keras 3.8 does not know: all layers begin at zero, as an initialiser that every version has, and
what newer versions add to a layer's description is left out. Equal weights give an equal .keras
file: its names do not count what the process made before, and no address in memory is in it.
"""

import json
import tempfile
import zipfile
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from scanline.models.classifier import Classifier
from scanline.models.loading import load_model
from scanline.models.predictor import Predictor
from scanline.models.saving import DATE, save_model

Format = Literal["keras", "onnx", "tflite"]
OPSET = 17  # of ONNX; onnxruntime 1.12 (2022) and later run it
LEFT_OUT = (
    "shared_object_id",  # an address in memory
    *("quantization_config", "input_axes", "output_axes"),  # newer than Keras 3.8, like these:
    *("renorm", "renorm_clipping", "renorm_momentum"),
)
INITIALISERS = ("kernel_initializer", "recurrent_initializer", "bias_initializer")


def export_stock(model: keras.Model) -> keras.Model:
    """A functional model of stock layers with the weights of ``model``, for evaluation.

    It reads images [B, rows, columns] of 0 and 1, of a grey classifier from 0 to 1, and gives a
    predictor's logits [B, rows, columns], or a classifier's [B, K]. Raises ValueError for a model
    that is neither, and for one that reads labels, or in another order than raster.
    """
    if not isinstance(model, Predictor | Classifier):
        raise ValueError(f"a {type(model).__name__} is given; needed is a Predictor or Classifier")
    size = model.pixels["rows"], model.pixels["columns"]
    predicts = isinstance(model, Predictor)
    if predicts:
        model.check_labels(None)  # an export reads an image and nothing else
        model.check_raster("an export")
    images = keras.Input(size, name="images")
    inputs = _read(model, images) if predicts else model.in_order(_flat(images, (-1, 1)))
    outputs = inputs
    layers = model.stack.stock_layers()
    layers[-1].return_sequences = predicts
    for index, layer in enumerate(layers):
        adds = model.stack.residual and index
        given = _twin(layer, keras.ops.concatenate([outputs, inputs], axis=2) if adds else outputs)
        outputs = outputs + given if adds else given
    if predicts and model.readout is not None:
        outputs = _twin(model.readout, keras.ops.concatenate([outputs, inputs], axis=2))
    for layer in [model.logit] if predicts else model.head:
        outputs = _twin(layer, outputs)
    if predicts:
        outputs = keras.layers.Reshape(size, name="logit_of_ink")(outputs)
    stock = keras.Model(images, outputs, name=type(model).__name__.lower())
    for place, operation in enumerate(stock.operations):
        if not isinstance(operation, keras.Layer):  # Keras names it by a count of the process
            operation.name = f"{type(operation).__name__.lower()}_{place}"
    return stock


def _twin(layer: keras.layers.Layer, inputs: keras.KerasTensor) -> keras.KerasTensor:
    """What a plain layer with the weights of ``layer`` makes of ``inputs``."""
    twin = type(layer).from_config(_plain(layer.get_config()))
    outputs = twin(inputs)
    twin.set_weights(layer.get_weights())
    return outputs


def exported(path: Path, kind: Format, batch: int | None = None) -> bytes:
    """The file of that ``kind`` of the model in a .keras file.

    ONNX and TensorFlow Lite have fixed shapes: ``images`` [batch, rows, columns], one by default.
    A .keras file takes any number of images. Raises ValueError for a ``batch`` there, naming the
    file where it holds no such model, and where a format's converter is not installed.
    """
    if kind == "keras" and batch is not None:
        raise ValueError(
            f"batch is {batch}, but a .keras file takes any number of images; leave it out, or "
            "choose the format onnx or tflite"
        )
    model = export_stock(load_model(path, keras.Model, None))
    match kind:
        case "keras":
            return _keras_file(model)
        case "onnx":
            return _onnx_file(model, batch or 1)
        case "tflite":
            return _tflite_file(model, batch or 1)
    raise ValueError(f"format is {kind!r}; allowed: keras, onnx, tflite")


def _keras_file(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        saved, portable = Path(scratch, "saved.keras"), Path(scratch, "portable.keras")
        save_model(model, saved)
        with zipfile.ZipFile(saved) as source, zipfile.ZipFile(portable, "w") as target:
            for name in source.namelist():
                content = source.read(name)
                if name == "config.json":
                    content = json.dumps(_portable(json.loads(content))).encode()
                target.writestr(zipfile.ZipInfo(name, DATE), content)
        return portable.read_bytes()


def _portable(config):
    """A model's description without what Keras 3.8 does not know or what differs by process."""
    if isinstance(config, list):
        return [_portable(each) for each in config]
    if not isinstance(config, dict):
        return config
    kept = {name: _portable(value) for name, value in config.items() if name not in LEFT_OUT}
    if str(config.get("module")).startswith("keras.src.ops"):
        kept["config"].pop("name", None)
    return kept


def _onnx_file(model: keras.Model, batch: int) -> bytes:
    try:
        import tf2onnx
    except ImportError as error:
        raise ValueError("ONNX needs tf2onnx: pip install 'scanline[export]'") from error
    proto, _ = tf2onnx.convert.from_function(
        tf.function(lambda images: {"logits": model(images)}),
        input_signature=[_signature(model, batch)],
        opset=OPSET,
    )
    return proto.SerializeToString()


def _tflite_file(model: keras.Model, batch: int) -> bytes:
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = _signature(model, batch)
    # A loop cannot read variables there, so weights become constants.
    frozen = convert_variables_to_constants_v2(
        tf.function(lambda images: model(images)).get_concrete_function(signature)
    )
    named = tf.function(lambda images: {"logits": frozen(images)[0]})
    return tf.lite.TFLiteConverter.from_concrete_functions(
        [named.get_concrete_function(signature)], tf.Module()
    ).convert()


def _signature(model: keras.Model, batch: int) -> tf.TensorSpec:
    return tf.TensorSpec((batch, *model.inputs[0].shape[1:]), tf.float32, name="images")


def _read(model: Predictor, images: keras.KerasTensor) -> keras.KerasTensor:
    """images [B, rows, columns] -> what the steps read of them, [B, T, D]."""
    sources, places = model.inputs_of.tables
    pixels = _flat(images, (-1,))
    # Index 0 is the start token, 0, which also stands for what lies outside the image.
    seen = keras.ops.take(keras.ops.pad(pixels, ((0, 0), (1, 0))), sources, axis=1)
    if not places.shape[1]:
        return seen
    nowhere = keras.ops.zeros_like(seen[:, :, :1])
    return keras.ops.concatenate([seen, nowhere + places.astype(np.float32)], axis=2)


def _flat(images: keras.KerasTensor, shape: tuple[int, ...]) -> keras.KerasTensor:
    return keras.layers.Reshape(shape, name="pixels")(images)


def _plain(config: dict) -> dict:
    """A layer's config with zeros as every initialiser that it has."""
    return config | {name: "zeros" for name in INITIALISERS if name in config}
