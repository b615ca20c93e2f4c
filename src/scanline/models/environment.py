"""Does Keras compute as the models here need it to?"""

import keras


def check_keras() -> None:
    """Raises ValueError, one line, for another backend than TensorFlow or numbers than float32."""
    if (backend := keras.config.backend()) != "tensorflow":
        raise ValueError(
            f"Keras' backend is {backend}; the models need tensorflow: unset KERAS_BACKEND, or set "
            f"it in ~/.keras/keras.json"
        )
    numbers = {keras.config.floatx(), keras.config.dtype_policy().name}
    if other := numbers - {"float32"}:
        raise ValueError(
            f"Keras' dtype policy is {other.pop()}; the models need float32: call "
            f"keras.config.set_dtype_policy('float32') and set_floatx, or mend "
            f"~/.keras/keras.json. For faster products set training.precision: bfloat16"
        )
