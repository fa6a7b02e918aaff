import numpy as np

class Bunch:
    images: np.ndarray
    target: np.ndarray

def load_digits() -> Bunch: ...
