"""What a link to the Explore page asks for and this network, this gallery or this computer does not have."""

from app.address import selection
from app.address.links import clause, listed
from app.address.pixels import inside, read
from app.explore.grid_choice import MOST_COLUMNS, MOST_NETWORKS, GridChoice, change, choice
from app.jobs.backend import Backend, networks
from app.jobs.owners import owns
from app.parts import link_notice
from explainers.methods.registry import methods
from explainers.networks.catalogue import Network


def check_link(backend: Backend, network: Network, size: tuple[int, int]) -> None:
    """Leaves it out of the four lists, the class explained and the pixel of a picture of `size`, and says so."""
    here = [entry.name for entry in networks() if entry.available]
    layers = [layer.name for layer in network.layers]

    def picture_there(key: str) -> bool:
        return link_notice.is_there(backend, key)

    def network_there(name: str) -> bool:
        return name in here or (backend.has_network(name) and owns(selection.owner("upload"), name))

    kinds = {
        "methods": (methods().__contains__, None),
        "layers": (layers.__contains__, MOST_COLUMNS),
        "pictures": (picture_there, MOST_COLUMNS),
        "networks": (network_there, MOST_NETWORKS),
    }
    for name, (there, most) in kinds.items():
        wanted = link_notice.without_lost(name, getattr(choice(), name), there)
        kept, wrong = listed("explore", name, wanted, there, most)
        link_notice.blame(*wrong)
        if kept != getattr(choice(), name):
            change(**{name: kept or getattr(GridChoice(), name)})
    target = choice().target
    if target is not None and target >= len(network.classes):
        link_notice.blame(clause("explore", "target", str(target)))
        change(target=None)
    if choice().pin and inside(read(choice().pin), size) is None:
        link_notice.blame(clause("explore", "pin", choice().pin))
        change(pin="")
