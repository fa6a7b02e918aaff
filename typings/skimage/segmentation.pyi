import numpy as np

def slic(
    image: np.ndarray,
    n_segments: int = 100,
    compactness: float = 10.0,
    *,
    channel_axis: int | None = -1,
    start_label: int = 1,
) -> np.ndarray: ...
