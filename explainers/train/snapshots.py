"""The weights of a noisy network at chosen epochs of its training, in one file."""

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from explainers.assets import ASSETS
from explainers.checkpoints.load import read_header
from explainers.networks.architectures.noisy import NoisyNetwork
from explainers.randomness import drawn_apart
from explainers.storage.whole_files import write_whole
from explainers.train.noisy_recipes import NoisyRecipe

SNAPSHOTS = ASSETS / "information_flow"


@dataclass(frozen=True)
class Snapshots:
    """By epoch the parameters `states`, the `accuracy` on held-out samples, and the `loss` of those trained on.

    The accuracy is a share, the loss a mean cross-entropy in nats; both are measured with the network's noise.
    """

    name: str
    seed: int
    epochs: tuple[int, ...]
    states: tuple[dict[str, Tensor], ...]
    accuracy: tuple[float, ...]
    loss: tuple[float, ...]

    def network(self, recipe: NoisyRecipe, epoch: int) -> NoisyNetwork:
        """The network as it was after that epoch, with weights that stay. Raises ValueError where none was kept."""
        if epoch not in self.epochs:
            raise ValueError(f"expected an epoch with a snapshot, got {epoch}; choose one of {self.epochs}")
        with drawn_apart():
            network = recipe.build()
        network.load_state_dict(self.states[self.epochs.index(epoch)])
        return network.eval().requires_grad_(False)


def write_snapshots(path: Path, snapshots: Snapshots) -> None:
    """One safetensors file: parameters as "<epoch>/<name>"; recipe, seed, epochs, accuracy and loss as its texts."""
    tensors = {
        f"{epoch}/{name}": value
        for epoch, state in zip(snapshots.epochs, snapshots.states, strict=True)
        for name, value in state.items()
    }
    said = {"recipe": snapshots.name, "seed": str(snapshots.seed), "epochs": " ".join(map(str, snapshots.epochs))}
    for name, values in (("accuracy", snapshots.accuracy), ("loss", snapshots.loss)):
        said[name] = " ".join(f"{value:.6g}" for value in values)
    write_whole(path, save(tensors, said))


def read_snapshots(path: Path) -> Snapshots:
    """What `write_snapshots` wrote. Raises ValueError, one sentence, for anything else, OSError where there is none."""
    try:
        said, tensors = read_header(path), load(path.read_bytes())
        epochs = tuple(map(int, said["epochs"].split()))
        accuracy, loss = (tuple(map(float, said[name].split())) for name in ("accuracy", "loss"))
        states = tuple(
            {name.partition("/")[2]: value for name, value in tensors.items() if name.startswith(f"{epoch}/")}
            for epoch in epochs
        )
        return Snapshots(said["recipe"], int(said["seed"]), epochs, states, accuracy, loss)
    except (SafetensorError, KeyError, ValueError):
        raise ValueError(
            f"expected snapshots of a noisy network, got something else in '{path.name}'; train it anew"
        ) from None
