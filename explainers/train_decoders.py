"""Train the decoders of a network: `python -m explainers.train_decoders resnet20-cifar10 --data DIR`.

On the data the network was trained on, on a GPU where there is one, resumable; a decoder that is already
there is left alone. Writes one file per layer, and a card per network with the errors that were measured.
"""

import argparse
from pathlib import Path

import torch

from explainers.decoder_data import DecoderPictures, recipe_pictures
from explainers.decoder_training import DecoderSettings, train_decoder
from explainers.decoders import ASSETS, BLOCKS, DecoderCard, file_name, read_card
from explainers.networks import Network, load_network

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("network", choices=LAYERS)
    parser.add_argument("--layers", nargs="*", help="instead of the usual ones")
    parser.add_argument("--data", type=Path, default=Path("runs"), help="folder with the data set")
    parser.add_argument("--out", type=Path, default=ASSETS, help="folder for weights and card")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for checkpoints")
    parser.add_argument("--blocks", type=int, default=BLOCKS)
    parser.add_argument("--steps", type=int, default=DecoderSettings.steps)
    parser.add_argument("--batch", type=int, default=DecoderSettings.batch)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    network = load_network(args.network, args.device)
    pictures = recipe_pictures(args.network, args.data)
    settings = DecoderSettings(args.blocks, args.steps, args.batch, seed=args.seed)
    for name in args.layers or LAYERS[args.network]:
        _train(network, name, pictures, settings, args)
    write_card(network, args.out, args.network)


def _train(network: Network, name: str, pictures: DecoderPictures, settings: DecoderSettings, args) -> None:
    layer = network.layer(name)
    file = file_name(network.fingerprint, layer.name, layer.call, settings.blocks)
    if read_card(args.out / file) is not None:
        print(f"{name}: there is one already", flush=True)
        return
    checkpoint = args.runs / CHECKPOINTS.format(file=file)
    for at in train_decoder(network, layer, pictures, settings, args.out, args.device, checkpoint):
        if at.step % 50 == 0 and at.card is None:
            print(f"{name}: step {at.step}/{at.steps}, error {at.loss**0.5:.4f}, {at.remaining:.0f} s left", flush=True)
    print(f"{name}: error {at.card.error:.4f} on {at.card.held_out} held-out pictures", flush=True)
    checkpoint.unlink(missing_ok=True)


def write_card(network: Network, folder: Path, name: str) -> None:
    """One page for all decoders of a network, from the cards in their files."""
    cards = [card for path in sorted(folder.glob("*.safetensors")) if (card := read_card(path)) is not None]
    mine = [card for card in cards if card.fingerprint == network.fingerprint]
    depth = {layer.name: layer.depth for layer in network.layers}
    mine.sort(key=lambda card: (card.blocks, depth[card.layer]))
    (folder / f"{name}.md").write_text(
        f"# Decoders of {name}\n\n"
        f"- Data: {mine[0].data}; of those held out, the first {mine[0].held_out:,} measure the error.\n"
        f"- Recipe: `python -m explainers.train_decoders {name} --data DIR --batch {mine[0].batch} "
        f"--steps {mine[0].steps} --seed {mine[0].seed}`: mean squared error, Adam, one cycle up to a learning rate of "
        f"{DecoderSettings.peak_lr}, random flips, bfloat16 arithmetic. Convolutions are stored as float16.\n"
        "- Error: root mean square over held-out pictures, values in [0, 1], measured on the weights as stored.\n\n"
        "| layer | blocks | error | parameters | file |\n|---|---|---|---|---|\n" + "".join(map(_row, mine))
    )


def _row(card: DecoderCard) -> str:
    parameters = sum(p.numel() for p in card.build().parameters())
    return f"| {card.layer} | {card.blocks} | {card.error:.4f} | {parameters:,} | `{card.file}` |\n"


if __name__ == "__main__":
    main()
