"""Train the decoders of a network: `python -m explainers.train_decoders resnet18 --birds 2000`.

Any network of the catalogue, on rendered birds (`--birds N`), on the pictures of a folder (`--folder DIR`) or, for a
shipped network, on what it was trained on (`--data DIR`). `--checkpoint FILE` trains for your own weights of that
architecture. On a GPU where there is one, resumable; a decoder that is already there is left alone. What is trained
is kept where the app finds it at once, with a card per network; what is trained by `--data` for the shipped weights
goes to the assets.
"""

import argparse
from collections import Counter
from pathlib import Path

import torch

from explainers.assets import write_sums
from explainers.datasets.birds.render import edition_for
from explainers.decoders.cards import BLOCKS, DECODERS, DecoderCard, file_name, own_decoders, read_card
from explainers.decoders.pictures import (
    BirdSource,
    DecoderPictures,
    FolderSource,
    Source,
    prepare_pictures,
    recipe_pictures,
)
from explainers.decoders.training import DecoderSettings, fitting_batch, train_decoder
from explainers.networks.catalogue import Network, WeightsUnavailable, load_checkpoint, load_network, network_catalogue
from explainers.train.recipes import RECIPES

# From first to last; deep and shallow, convolutions and what follows them.
LAYERS = {
    "resnet20-cifar10": ("conv1", "layer1.2", "layer2.2", "layer3.2", "fc"),
    "resnet32-cifar10": ("conv1", "layer1.4", "layer2.4", "layer3.4", "fc"),
    "resnet44-cifar10": ("conv1", "layer1.6", "layer2.6", "layer3.6", "fc"),
    "alexnet-birds": ("conv1", "conv2", "conv5", "fc6", "fc8"),
    "unet-membranes": ("down1.conv2", "down2.conv2", "down4.conv2", "up3.conv2", "up1.conv2", "head"),
    "vgg16-birds": ("conv1-2", "conv2-2", "conv3-3", "conv4-3", "conv5-3", "fc8"),
}
CHECKPOINTS = "decoder-{file}.pt"
COUNT = 5


def main(arguments: list[str] | None = None) -> None:
    """The command."""
    args = _parser().parse_args(arguments)
    try:
        network = _network(args)
        shipped = args.source is None and args.checkpoint is None
        layers = args.layers or (LAYERS.get(args.network) if shipped else None) or spread(network)
        layers = [network.layer(name).name for name in layers]
        pictures = _pictures(network, args)
    except (ValueError, WeightsUnavailable, FileNotFoundError) as problem:
        raise SystemExit(f"{problem}") from None
    out = args.out or (DECODERS if shipped else own_decoders())
    settings = DecoderSettings(args.blocks, args.steps, args.batch or fitting_batch(network), seed=args.seed)
    for name in layers:
        _train(network, name, pictures, settings, out, args)
    write_card(network, out, args.network, own=args.checkpoint is not None)
    write_sums(out)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=[entry.name for entry in network_catalogue()])
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--birds", dest="source", type=int, metavar="N", help="train on N rendered birds")
    source.add_argument("--folder", dest="source", type=Path, metavar="DIR", help="train on the pictures below DIR")
    source.add_argument("--data", type=Path, default=Path("runs"), help="folder with a shipped network's own data set")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="your own weights of that architecture")
    parser.add_argument("--layers", nargs="*", help="instead of five or so from first to last")
    parser.add_argument("--out", type=Path, help="folder for weights and card")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for checkpoints")
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--steps", type=int, default=DecoderSettings.steps)
    parser.add_argument("--batch", type=int, help="pictures a step; by default as many as fit the network's input")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    return parser


def _network(args: argparse.Namespace) -> Network:
    if args.checkpoint is None:
        return load_network(args.network, args.device)
    return load_checkpoint(args.network, args.checkpoint, args.device)


def spread(network: Network, count: int = COUNT) -> tuple[str, ...]:
    """The names of `count` layers from the first to the last, evenly by depth.

    >>> spread(load_network("resnet20-cifar10"))
    ('conv1', 'layer1.2', 'layer2.2', 'layer3.1', 'fc')
    """
    last = len(network.layers) - 1
    places = sorted({round(last * place / (count - 1)) for place in range(count)})
    return tuple(network.layers[place].name for place in places)


def _pictures(network: Network, args: argparse.Namespace) -> DecoderPictures:
    if args.source is None:
        if args.network not in RECIPES:
            raise ValueError(
                f"expected --birds N or --folder DIR, got neither; {args.network} has no data set of its own here"
            )
        return recipe_pictures(args.network, args.data)
    edition = edition_for(network.classes)
    source: Source = BirdSource(args.source, edition) if isinstance(args.source, int) else FolderSource(args.source)
    for found in prepare_pictures(network, source):
        if isinstance(found, DecoderPictures):
            return found
        if found.count % 100 == 0:
            print(f"pictures: {found.count} of {found.total}", flush=True)
    raise ValueError("expected pictures to train on, got none; name others")


def _train(
    network: Network,
    name: str,
    pictures: DecoderPictures,
    settings: DecoderSettings,
    out: Path,
    args: argparse.Namespace,
) -> None:
    layer = network.layer(name)
    file = file_name(network.fingerprint, layer.name, layer.call, settings.blocks)
    if read_card(out / file) is not None:
        print(f"{name}: there is one already", flush=True)
        return
    checkpoint = args.runs / CHECKPOINTS.format(file=file)
    for at in train_decoder(network, layer, pictures, settings, out, args.device, checkpoint):
        if at.card is not None:
            print(f"{name}: error {at.card.error:.4f} on {at.card.held_out} held-out pictures", flush=True)
        elif at.step % 50 == 0:
            print(f"{name}: step {at.step}/{at.steps}, error {at.loss**0.5:.4f}, {at.remaining:.0f} s left", flush=True)


def write_card(network: Network, folder: Path, name: str, own: bool = False) -> None:
    """One page for all decoders of a network, from the cards in their files; `own` weights of that architecture get
    a page of their own.
    """
    cards = [card for path in sorted(folder.glob("*.safetensors")) if (card := read_card(path)) is not None]
    mine = [card for card in cards if card.fingerprint == network.fingerprint]
    depth = {layer.name: layer.depth for layer in network.layers}
    mine.sort(key=lambda card: (card.blocks, depth[card.layer]))
    file = f"{name}-{network.fingerprint[:12]}.md" if own else f"{name}.md"
    (folder / file).write_text(page(name, mine, own))


def page(name: str, cards: list[DecoderCard], own: bool = False) -> str:
    """The card of a network's decoders: data and recipe once where all share them, and by layer where they differ."""
    recipes = Counter((card.data, card.batch, card.steps, card.seed, card.arithmetic) for card in cards)
    (data, batch, steps, seed, arithmetic), _ = recipes.most_common(1)[0]
    others = "" if len(recipes) == 1 else " The table says which layers were trained otherwise."
    weights = " --checkpoint FILE" if own else ""
    return (
        f"# Decoders of {cards[0].network if own else name}\n\n"
        f"- Data: {data}; of those held out, the first {cards[0].held_out:,} measure the error.\n"
        f"- Recipe: `python -m explainers.train_decoders {name}{weights} {_option(name, data)} --batch {batch} "
        f"--steps {steps} --seed {seed}`: mean squared error, Adam, one cycle up to a learning rate of "
        f"{DecoderSettings.peak_lr}, random flips, {arithmetic} arithmetic. Convolutions are stored as "
        f"float16.{others}\n"
        "- Error: root mean square over held-out pictures, values in [0, 1], measured on the weights as stored.\n\n"
        "| layer | blocks | steps × batch | error | parameters | file |\n|---|---|---|---|---|---|\n"
        + "".join(_row(card, _otherwise(card, data, arithmetic)) for card in cards)
    )


def _option(name: str, data: str) -> str:
    if name in RECIPES and data.startswith(RECIPES[name].data):
        return "--data DIR"
    return "--birds N" if data.startswith("rendered birds") else "--folder DIR"


def _otherwise(card: DecoderCard, data: str, arithmetic: str) -> str:
    """What the table says of a decoder that was trained on other pictures or in another arithmetic."""
    others = [said for said, usual in ((card.data, data), (card.arithmetic, arithmetic)) if said != usual]
    return f" ({'; '.join(others)})" if others else ""


def _row(card: DecoderCard, data: str) -> str:
    parameters = sum(p.numel() for p in card.build().parameters())
    return (
        f"| {card.layer} | {card.blocks} | {card.steps} × {card.batch}{data} | {card.error:.4f} | {parameters:,} "
        f"| `{card.file}` |\n"
    )


if __name__ == "__main__":
    main()
