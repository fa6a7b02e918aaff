"""The smallest problem: four numbers, the largest to be told from the others by a single neuron."""

import torch

from explainers.datasets.toys.problem import Problem

VALUES = (-3.0, -1.0, 1.0, 3.0)
# Every step and every judgement looks at each number so often: the noise is another each time.
TRAINING, JUDGING = 64, 256


def four_numbers() -> Problem:
    """X uniform on −3, −1, 1, 3; the label is 1 for 3. Nothing but fresh noise can be held out.

    Source: Goldfeld et al., ICML 2019, section 5.

    >>> four_numbers().x.T.tolist(), four_numbers().y.tolist()
    ([[-3.0, -1.0, 1.0, 3.0]], [0, 0, 0, 1])
    """
    x = torch.tensor(VALUES)[:, None]
    rows = torch.arange(len(VALUES))
    return Problem(x, (x[:, 0] == max(VALUES)).long(), rows.repeat(TRAINING), rows.repeat(JUDGING), discrete=True)
