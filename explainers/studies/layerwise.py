"""Mean CID and concentration layer by layer (Figure 5): `python -m explainers.studies.layerwise vgg16-birds`."""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode

from explainers.cid.concentration import concentration
from explainers.cid.explain import CID
from explainers.cid.results import CIDSettings
from explainers.datasets.birds.render import Bird, render_bird
from explainers.networks.catalogue import Network, load_network


@dataclass(frozen=True)
class LayerRow:
    """One layer over all pictures: means in nats, and the constraint E‖f'−f‖²/(βδ_f²) farthest from 1."""

    layer: str
    mean: float
    concentration: float
    constraint: float


def layerwise(network: Network, birds: Sequence[Bird], settings: CIDSettings) -> Iterator[LayerRow]:
    """A row per layer, in the order of execution."""
    x = torch.stack([network.preprocess(bird.image) for bird in birds])
    masks = torch.as_tensor(np.stack([_mask(network, bird) for bird in birds]))
    for layer in network.layers:
        result = CID(network.module, layer).explain(x, settings)
        yield LayerRow(
            layer=layer.name,
            mean=result.mean.mean().item(),
            concentration=concentration(result.entropy, mask=masks.unsqueeze(1)).mean().item(),
            constraint=max(map(float, result.constraint), key=lambda ratio: abs(ratio - 1)),
        )


def _mask(network: Network, bird: Bird) -> np.ndarray:
    """The mask through the same geometry as the picture."""
    cut = network.preprocessing.cut(Image.fromarray(bird.mask), InterpolationMode.NEAREST)
    return np.asarray(cut, dtype=bool)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network")
    parser.add_argument("--pictures", type=int, default=4, help="how many rendered birds")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--closed-form", action="store_true", help="without refinement")
    args = parser.parse_args()
    network = load_network(args.network)
    birds = [render_bird(index, 224) for index in range(args.pictures)]
    print(f"{network.title}, {args.pictures} rendered birds, β = {args.beta:g}")
    print(f"{'layer':<14}{'mean CID':>10}{'concentration':>15}{'constraint':>12}")
    for row in layerwise(network, birds, CIDSettings(beta=args.beta, refine=not args.closed_form)):
        print(f"{row.layer:<14}{row.mean:>10.3f}{row.concentration:>15.3f}{row.constraint:>12.3f}", flush=True)


if __name__ == "__main__":
    main()
