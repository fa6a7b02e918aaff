"""The work on all layers' maps, which waits for its button: for the tab that shows all of them, and for the player.

A preview of every layer comes first, the deepest's before the others; then the chosen layer's map is finished.
"""

from collections.abc import Sequence

from app.jobs.backend import View
from app.parts.turns import previews_first
from app.parts.watch import Asked, Start, Watch
from explainers import CIDSettings
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def watch(
    network_input: NetworkInput,
    network: Network,
    layers: Sequence[Layer],
    metric: str,
    settings: CIDSettings,
    chosen: str,
) -> Watch:
    """One of them for all places on the page: what one has started the others go on with."""
    asked = [
        Asked(
            network_input.request(network, layer, metric, settings), previews_first(layer.depth, layer.name == chosen)
        )
        for layer in layers
    ]
    work = Watch("layers", lambda: asked, "layers", waits=True)
    work.release()
    return work


def status(work: Watch, views: list[View]) -> None:
    """How many are ready, and the button that has the others computed."""
    done, count = sum(view.state == "done" for view in views), len(views)
    text = f"{done} of {count} layers have been computed for this picture and these settings."
    if not done:
        text = f"How does what is discarded grow from the first of {count} layers to the last?"
    start = Start(text, "Compute the missing layers" if done else f"Compute all {count} layers")
    work.status(views, f"{done} of {count} layers ready", f"All {count} layers are ready.", start=start)
