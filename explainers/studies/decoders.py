"""RU by layer, and what the decoder's depth changes (Appendix J): `python -m explainers.studies.decoders NETWORK`.

For every layer that has a decoder: its error, the mean RU, the share of the decoder's own error in it, and the
constraint farthest from 1; where there is a decoder of eight blocks too, the rank correlation of the two maps.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from explainers.cid.results import CIDSettings, RUResult
from explainers.datasets.birds.render import render_bird
from explainers.decoders.cards import find_decoder, load_decoder
from explainers.evaluation import alike
from explainers.networks.catalogue import Network, load_network
from explainers.networks.layers import Layer
from explainers.ru.explain import RU
from explainers.streams import last

DEEPER = 8


@dataclass(frozen=True)
class DecoderRow:
    """One layer over all pictures; errors are root mean squares of values in [0, 1], `mean` is in nats.

    `correlation` is Spearman's, of the maps by decoders of six and of eight blocks, mean over the pictures; None
    where there is no deeper one.
    """

    layer: str
    error: float
    mean: float
    decoder_share: float
    constraint: float
    correlation: float | None


def decoder_rows(network: Network, x: Tensor, settings: CIDSettings) -> Iterator[DecoderRow]:
    """A row per layer with a decoder, for pictures x (B, 3, H, W) in network units."""
    for layer in network.layers:
        result = _maps(network, layer, x, settings)
        if result is not None:
            deeper = _maps(network, layer, x, settings, DEEPER)
            yield DecoderRow(
                layer=layer.name,
                error=result.error.square().mean().sqrt().item(),
                mean=result.mean.mean().item(),
                decoder_share=result.decoder_share.mean().item(),
                constraint=max(map(float, result.constraint), key=lambda ratio: abs(ratio - 1)),
                correlation=None if deeper is None else rank_correlation(result.entropy, deeper.entropy),
            )


def rank_correlation(first: Tensor, second: Tensor) -> float:
    """Spearman's correlation of two maps (B, 1, H, W), mean over the pictures.

    >>> map = torch.rand(2, 1, 4, 4)
    >>> round(rank_correlation(map, map.exp()), 6)
    1.0
    """
    pairs = zip(first.flatten(1).numpy(), second.flatten(1).numpy(), strict=True)
    values = [alike.rank_correlation(a, b) for a, b in pairs]
    return sum(values) / len(values)


def _maps(network: Network, layer: Layer, x: Tensor, settings: CIDSettings, blocks: int = 6) -> RUResult | None:
    card = find_decoder(network, layer, blocks)
    if card is None:
        return None
    return last(RU(network.module, layer, load_decoder(card)).stream(x, settings))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network")
    parser.add_argument("--pictures", type=int, default=4, help="how many rendered birds")
    parser.add_argument("--beta", type=float, default=CIDSettings.beta)
    parser.add_argument("--closed-form", action="store_true", help="CID's closed form for σ, without refinement")
    args = parser.parse_args()
    network = load_network(args.network)
    x = torch.stack([network.preprocess(render_bird(index, 224).image) for index in range(args.pictures)])
    print(f"{network.title}, {args.pictures} rendered birds, β = {args.beta:g}")
    print(f"{'layer':<12}{'error':>8}{'mean RU':>10}{'own share':>11}{'constraint':>12}{'6 against 8':>13}")
    for row in decoder_rows(network, x, CIDSettings(beta=args.beta, refine=not args.closed_form)):
        depth = "" if row.correlation is None else f"{row.correlation:.3f}"
        line = f"{row.layer:<12}{row.error:>8.4f}{row.mean:>10.3f}{row.decoder_share:>11.4f}{row.constraint:>12.3f}"
        print(f"{line}{depth:>13}", flush=True)


if __name__ == "__main__":
    main()
