"""The page's own choices: experiment, network, noise, layer, epoch, bins."""

from app.flow import known
from app.flow.choice import ALL, NOISES, QUANTITIES, UNITS, change, choice, counts
from app.flow.tables import BINNED, INPUT, LABEL, Rows
from app.parts.bound import dropdown, segments, steps, switch, taker
from app.words import counted, number
from explainers.information_flow.experiments import EXPERIMENTS, MOST_UNITS
from explainers.methods.entropies import CID_NAME

EXPERIMENT_HELP = (
    "Which problem the networks were trained on. Four numbers and a single neuron; all patterns of twelve bits; three "
    "spirals in the plane; handwritten digits of 8×8 pixels."
)
KIND_HELP = (
    "Activation and shape of the network. Orthonormal weights: a penalty in the training keeps what a layer tells "
    "apart, which holds clustering back."
)
SIGMA_HELP = (
    "Standard deviation of the Gaussian noise that is added to every unit of every hidden layer, in training and "
    "afterwards. It is part of the network: the more of it, the less a layer can know."
)
DETERMINISTIC_HELP = (
    "The network without noise. Its layers are functions of the input, so that I(X;T) is one and the same number at "
    "every epoch, whatever the network learns: the curves collapse."
)
LAYER_HELP = (
    "All: a curve for each layer, and the points of the last. One: its points, its distances and its curve alone. "
    f"Layers of more than {MOST_UNITS} units have no estimate, since no number of samples would be enough."
)
EPOCH_HELP = (
    "Where the figures stand when they are drawn, and the epoch of the numbers below them. Play and the slider under "
    "the first figure run through all epochs without moving this one, which is in the address."
)
WIDTH_HELP = "Side of the bins into which every unit's value is put for the binned curves, in units of activations."
SHOW_HELP = (
    "Which quantity is drawn over the epochs. I(X;T): what the layer knows of the input. I(Y;T): of the class. Binned: "
    "the entropy that earlier work took for I(X;T). Distances, cosine, radius and purity: how far a class has gathered "
    "in one place. CID: what single pictures lose. Training: accuracy and loss."
)
UNIT_HELP = "Informations in natural units, or in bits: one nat is 1.44 bits. The pointer shows both."
NOISE_HELP = (
    "The noise with which the snapshots are run again. Another than that of the training makes another network of the "
    "same weights."
)
SAMPLES_HELP = (
    "How many inputs each estimate looks at. An estimate cannot exceed the logarithm of their number: with few of "
    "them, a layer near this ceiling shows the number of samples and nothing else."
)


def experiment_control() -> None:
    """The experiment, its network and whether it has noise."""
    now = choice()
    experiments = {name: EXPERIMENTS[name].title for name in known.SHOWN}
    dropdown(
        "w_flow_experiment", "Experiment", experiments, now.experiment, taker(change, "experiment"), EXPERIMENT_HELP
    )
    kinds, fixed = known.kinds(now.experiment), now.deterministic and known.twin_of(now.variant) is not None
    dropdown("w_flow_kind", "Network", kinds, now.variant.name, taker(change, "kind"), KIND_HELP, disabled=fixed)
    if not now.deterministic:
        titles = {sigma: f"{sigma:g}" for sigma in known.sigmas(now.experiment, now.variant.name)}
        segments("w_flow_sigma", "Noise σ", titles, now.variant.sigma, taker(change, "sigma"), SIGMA_HELP, wide=True)
    switch(
        "w_flow_deterministic", "Deterministic", now.deterministic, taker(change, "deterministic"), DETERMINISTIC_HELP
    )


def place_control() -> None:
    """Layer, epoch and width of bins."""
    now = choice()
    layers = known.layers(now.variant.recipe)
    titles = {ALL: "All layers"} | {
        name: f"Layer {name} · {counted(units, 'unit')}" for name, units in layers.items()
    }  # fmt: skip
    dropdown("w_flow_layer", "Layer", titles, now.layer, taker(change, "layer"), LAYER_HELP)
    epochs = {epoch: f"{epoch:,}" for epoch in known.epochs(now.variant.recipe)}
    last = max(epochs)
    # The last epoch, and not whichever it is, goes from one network to the next.
    steps(
        "w_flow_epoch", "Epoch", epochs, now.at, lambda epoch: change(epoch=-1 if epoch == last else epoch), EPOCH_HELP
    )
    # Without noise all of them are shown.
    if (widths := known.widths(now.experiment)) and not now.deterministic:
        titles = {width: f"{width:g}" for width in widths}
        segments("w_flow_width", "Bin width", titles, now.bins, taker(change, "width"), WIDTH_HELP, wide=True)


def anew_control() -> None:
    """Noise and number of samples of new estimates."""
    now = choice()
    noises = {noise: f"σ {noise:g}" if noise else f"its own, σ {now.variant.sigma:g}" for noise in NOISES}
    dropdown("w_flow_noise", "Noise", noises, now.noise, taker(change, "noise"), NOISE_HELP)
    options = {count: f"{count:,}" for count in counts(now.variant.recipe)}
    # Few inputs are always looked at together.
    if len(options) > 1:
        steps("w_flow_samples", "Samples", options, now.n, taker(change, "samples"), SAMPLES_HELP)


def show_control(rows: Rows) -> None:
    """Which quantity is drawn over the epochs, in which unit."""
    has = {
        "input": INPUT,
        "label": LABEL,
        "binned": BINNED,
        "distance": "within distance",
        "cosine": "cosine within",
        "radius": "within radius",
        "purity": "purity",
        CID_NAME: "CID",
        "training": "accuracy",
    }
    titles = {name: title for name, title in QUANTITIES.items() if rows.has(has[name])}
    if choice().show not in titles:
        change(show=next(iter(titles)))
    segments("w_flow_show", "Over the epochs", titles, choice().show, taker(change, "show"), SHOW_HELP)


def unit_control() -> None:
    """Nats or bits."""
    segments("w_flow_unit", "Unit", UNITS, choice().unit, taker(change, "unit"), UNIT_HELP)


def noise_words(sigma: float) -> str:
    """
    >>> noise_words(0.05), noise_words(0)
    ('σ 0.05', 'no noise')
    """
    return f"σ {number(sigma)}" if sigma else "no noise"
