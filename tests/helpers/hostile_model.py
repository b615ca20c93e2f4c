"""A .keras file that runs code of its own where it is loaded as Keras would by itself."""

from pathlib import Path

import keras


def save_hostile_model(path: Path, mark: Path) -> None:
    """Writes a model to ``path`` of which a layer writes the file ``mark`` when it is called."""
    told = str(mark)
    inputs = keras.Input((16,))
    code = keras.layers.Lambda(lambda x: (open(told, "w").close(), x)[1])
    keras.Model(inputs, code(inputs)).save(path)
    mark.unlink()  # the layer has been called once to be built
