"""The network's diagram over the tabs: it chooses the layer that is shown, or the layers that are columns."""

from app.explore.grid_choice import MOST_COLUMNS, change, choice
from app.inputs.columns import known_layers
from app.jobs.backend import Backend
from app.sidebar.diagram import diagram_control
from explainers import CIDSettings
from explainers.methods.network_input import NetworkInput
from explainers.networks.catalogue import Network


def layer_diagram(backend: Backend, network: Network, network_input: NetworkInput, settings: CIDSettings) -> None:
    """In step with the open tab."""
    if choice().view != "grid" or choice().across != "layers":
        diagram_control(backend, network, network_input, settings)
        return
    columns = [layer.name for layer in known_layers(network, choice().layers)][:MOST_COLUMNS]
    diagram_control(
        backend, network, network_input, settings, columns, lambda names: change(layers=names), MOST_COLUMNS
    )
