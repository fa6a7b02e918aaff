"""Train a shipped network: `python -m explainers.train resnet20-cifar10 --data DIR`.

Goes on where it was stopped, uses a GPU where there is one, and writes the weights in half
precision beside a model card that says what was measured. Of a noisy network it writes the weights
of chosen epochs in one file, into the folder of `--runs` if no other is named.
"""

import argparse
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn
from tqdm import tqdm

from explainers.assets import write_sums
from explainers.checkpoints.sparse import pack
from explainers.networks.architectures.plain import PlainNet, fold_batch_norm
from explainers.networks.architectures.squeezenet import SqueezeNet, fold_fires
from explainers.networks.architectures.unet import UNet, fold_normalisation
from explainers.networks.specs import NETWORKS, STUDIED, seeded, snapshot
from explainers.randomness import TORCH_RANDOM
from explainers.storage.digest import digest
from explainers.train.asked import Asked
from explainers.train.batches import Batches, normalise
from explainers.train.noisy import NoisyTraining
from explainers.train.noisy_recipes import NOISY_RECIPES
from explainers.train.pruning import made_permanent
from explainers.train.recipes import RECIPES, Recipe, Split
from explainers.train.run import Run
from explainers.train.segmentation import foreground_rand, intersection_over_union
from explainers.train.snapshots import write_snapshots


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=(*RECIPES, *NOISY_RECIPES))
    parser.add_argument("--data", type=Path, default=Path("runs"), help="folder with the data set")
    parser.add_argument("--rule", type=Path, help="of noisy networks of twelve bits: a file with another rule (.npz)")
    parser.add_argument("--out", type=Path, help="folder for weights and card; by default where what ships lies")
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder for checkpoints")
    parser.add_argument("--epochs", type=int, help="instead of the recipe's")
    parser.add_argument("--seed", type=int, default=0, help="of a network to study, others than 0 join its name")
    parser.add_argument(
        "--snapshots",
        type=int,
        nargs="*",
        default=(),
        metavar="EPOCH",
        help="write the weights after these epochs too",
    )
    parser.add_argument("--float32", action="store_true", help="of a classifier: for a processor without bfloat16")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    args = parser.parse_args()

    changed = {} if args.epochs is None else {"epochs": args.epochs}
    if args.name in NOISY_RECIPES:
        recipe = replace(NOISY_RECIPES[args.name], **changed)
        try:
            problem = recipe.load(args.rule)
        except ValueError as error:
            parser.error(f"{error}")
        train_noisy(NoisyTraining(args.name, recipe, problem, args.runs, args.seed), args.out or args.runs)
        return
    args.out = args.out or NETWORKS
    recipe = replace(RECIPES[args.name], **changed, float32=args.float32)
    test = recipe.load(args.data, "test")

    def keep(net: nn.Module, epoch: int) -> None:
        if epoch in args.snapshots:
            file = snapshot(args.name, epoch)
            export(args.name, deepcopy(net), recipe, test, args.out, args.seed, file, f" --snapshots {epoch}")

    net = train(args.name, recipe, args.data, args.runs, args.seed, args.device, keep)
    studied = args.name in {spec.name for spec in STUDIED}
    file = seeded(args.name, args.seed) if studied else args.name
    reached = export(args.name, net, recipe, test, args.out, args.seed, file)
    write_sums(args.out)
    words = f"an error of {reached:.4f}" if recipe.reconstructs else f"{reached:.2%}"
    print(f"{file}: {words} on the test split, as stored", flush=True)


def train_noisy(training: NoisyTraining, out: Path) -> None:
    """Trains what is left, and writes `<name>.safetensors` with all snapshots."""
    steps = training.recipe.epochs * training.steps_per_epoch
    with tqdm(total=steps, unit="step", desc=training.name) as progress:
        for at in training.train():
            progress.update(at.step - progress.n)
            progress.set_postfix_str(f"loss {at.loss:.3f}", refresh=False)
    snapshots = training.snapshots()
    if snapshots is None:
        raise OSError(f"'{training.folder.name}' cannot be written: the disk takes no snapshots")
    write_snapshots(out / f"{training.name}.safetensors", snapshots)
    write_sums(out)
    print(f"{training.name}: {snapshots.accuracy[-1]:.2%} of the held-out samples, with its noise", flush=True)


def train(
    name: str,
    recipe: Recipe,
    data: Path,
    runs: Path,
    seed: int,
    device: str,
    keep: Callable[[nn.Module, int], None] = lambda net, epoch: None,
) -> nn.Module:
    """Run the recipe from the last checkpoint in `runs`, or from the beginning; `keep` sees it after each epoch."""
    TORCH_RANDOM.manual_seed(seed)
    asked = Asked(recipe, device)
    net = asked.begin(recipe.build().to(device))
    pictures, labels = recipe.load(data, "train")
    shown = (pictures.numpy().tobytes(), labels.numpy().tobytes())
    told = digest(name, str(seed), repr(net), recipe.settings, *shown, *asked.depends_on)
    batches = Batches(recipe, pictures.to(device), labels.to(device), seed)
    optimizer = torch.optim.SGD(
        net.parameters(), recipe.peak_lr, momentum=0.9, weight_decay=recipe.weight_decay, nesterov=True
    )
    # Dropout draws from the device's own generator.
    own = (torch.default_generator, *(torch.cuda.default_generators if device.startswith("cuda") else ()))
    run = Run(net, optimizer, recipe.epochs * batches.per_epoch, 0.25, told, (batches.generator, *own))
    checkpoint = runs / f"{name}-seed{seed}-epochs{recipe.epochs}.pt"
    run.resume(checkpoint)
    if checkpoint.is_file() and run.step == 0:
        print(f"{name}: {checkpoint} is damaged or of other pictures or settings; the training begins anew", flush=True)

    def loss(step: int) -> Tensor:
        asked.prune(net, step, run.steps)
        return asked.loss(net, *batches(step))

    for at in run.train(loss):
        epoch, rest = divmod(at.step, batches.per_epoch)
        if rest == 0:
            keep(net, epoch)
            unkept = "; the disk takes no checkpoint" if at.unkept else ""
            print(
                f"{name}: epoch {epoch}/{recipe.epochs}, {batches.size(epoch - 1)} px, loss {at.loss:.3f}, "
                f"{at.remaining:.0f} s left{unkept}",
                flush=True,
            )
    run.store()
    return net


def export(
    name: str,
    net: nn.Module,
    recipe: Recipe,
    test: Split,
    out: Path,
    seed: int,
    file: str | None = None,
    more: str = "",
) -> float:
    """Write `<name>.safetensors` (half precision) and `<name>.md`, or under another name `file`.

    `more` is what the command that makes it has beyond the others.

    Returns the accuracy of what was written, of an auto-encoder the error.
    """
    file = file or name
    net = made_permanent(net.cpu().eval())
    net = fold_batch_norm(net) if isinstance(net, PlainNet) else net
    net = fold_normalisation(net) if isinstance(net, UNet) else net
    net = fold_fires(net) if isinstance(net, SqueezeNet) else net
    # A file stores float16; accuracy is measured on those values, not on the ones before rounding.
    state = {key: value.half() if value.is_floating_point() else value for key, value in net.state_dict().items()}
    net.load_state_dict(state)
    reached = (error if recipe.reconstructs else accuracy)(net, recipe, *test)
    out.mkdir(parents=True, exist_ok=True)
    metadata = {
        "data": recipe.data,
        "error" if recipe.reconstructs else "accuracy": f"{reached:.4f}",
        "seed": str(seed),
        "epochs": str(recipe.epochs),
    }
    data = save(pack({key: value.contiguous() for key, value in state.items()}), metadata)
    (out / f"{file}.safetensors").write_bytes(data)
    parameters = sum(p.numel() for p in net.parameters())
    views = "random crops, turns, flips and contrast" if recipe.segments else "random crops and flips"
    views = views.removesuffix(" and flips") if recipe.handed else views
    left_out = {part.p for part in net.modules() if isinstance(part, nn.Dropout)}
    views += f", dropout of {max(left_out):g}" if left_out else ""
    (out / f"{file}.md").write_text(
        f"# {file}\n\n"
        f"- Data: {recipe.data}.\n"
        f"{measured(recipe, reached)} the held-out pictures, measured on the weights as stored.\n"
        f"{overlap(net, recipe, *test) if recipe.segments else ''}"
        f"- Parameters: {parameters:,}, stored as float16.\n"
        f"- Recipe: `python -m explainers.train {name} --data DIR --epochs {recipe.epochs} --seed {seed}"
        f"{' --float32' * recipe.float32}{more}`: "
        f"SGD with Nesterov momentum 0.9, one cycle up to a learning rate of {recipe.peak_lr}, weight decay "
        f"{recipe.weight_decay}, batches of {recipe.batch}, {views}, "
        f"{'float32' if recipe.float32 else 'bfloat16'} arithmetic, "
        f"picture sides by first epoch {dict(recipe.sizes)}.\n"
        f"{''.join(f'- {line}.{chr(10)}' for line in recipe.beyond)}"
        f"- Seed: {seed}.\n"
    )
    return reached


def measured(recipe: Recipe, reached: float) -> str:
    """How the card's line on what was reached begins."""
    if recipe.reconstructs:
        return f"- Error: {reached:.4f}, root mean square of values in [0, 1], on"
    return f"- Accuracy: {reached:.2%} {'of the pixels of' if recipe.segments else 'on'}"


@torch.no_grad()
def accuracy(net: nn.Module, recipe: Recipe, pictures: Tensor, labels: Tensor) -> float:
    """The share of `pictures` (N, 3, H, W) uint8, or of their pixels, that `net`, in evaluation mode, labels right."""
    hits = 0
    for batch, expected in zip(torch.split(pictures, 256), torch.split(labels, 256), strict=True):
        hits += (net(normalise(batch.float() / 255, recipe)).argmax(1) == expected).sum().item()
    return hits / labels.numel()


@torch.no_grad()
def error(net: nn.Module, recipe: Recipe, pictures: Tensor, labels: Tensor) -> float:
    """The root mean square error of an auto-encoder on `pictures` (N, 3, H, W) uint8, whose values count as 0 to 1."""
    parts = [batch.float() / 255 for batch in torch.split(pictures, 256)]
    total = sum((net(normalise(part, recipe)) - part).double().square().sum().item() for part in parts)
    return (total / pictures.numel()) ** 0.5


@torch.no_grad()
def overlap(net: nn.Module, recipe: Recipe, pictures: Tensor, labels: Tensor) -> str:
    """The card's line on the last class, membranes: means over the pictures."""
    found = (net(normalise(pictures.float() / 255, recipe)).argmax(1) == recipe.segments).numpy()
    pairs = list(zip(found, (labels == recipe.segments).numpy(), strict=True))
    shared, rand = (
        sum(score(*pair) for pair in pairs) / len(pairs) for score in (intersection_over_union, foreground_rand)
    )
    return f"- Membranes there: intersection over union {shared:.3f}, foreground-restricted Rand score {rand:.3f}.\n"


if __name__ == "__main__":
    main()
