"""The lines of Python that make a map again with the library."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.export.record import LIBRARY, Taken
from app.inputs.crop import Crop
from app.inputs.pictures import LONGEST, find_picture
from app.words import counted
from explainers import CIDSettings
from explainers.datasets.birds.render import EDITIONS, LOOKALIKES
from explainers.datasets.birds.source import shown_side
from explainers.methods.entropies import CID_NAME, ENTROPIES
from explainers.networks.catalogue import OWN_WEIGHTS, SOURCE_ADDED


@dataclass(frozen=True)
class Lines:
    """Imports as (module, name), and the lines in their order: what makes the network, the picture, the map."""

    imports: frozenset[tuple[str, str]]
    network: tuple[str, ...]
    picture: tuple[str, ...]
    map: tuple[str, ...]


def cell_script(cell: Taken) -> str:
    """About ten lines; run, they leave the cell's map (rows, columns) in `values`.

    Exact for what ships; for an upload or one's own weights a path has to be put in.
    """
    lines = lines_of(cell)
    return head_of([cell]) + imports_of(lines.imports) + joined(*lines.network, *lines.picture, *lines.map)


def cells_script(cells: Sequence[Taken]) -> str:
    """The same for several cells, whose maps it leaves in the dictionary `maps`; a network is loaded once."""
    parts = [lines_of(cell) for cell in cells]
    body, network, picture = ["maps = {}"], (), ()
    for cell, part in zip(cells, parts, strict=True):
        body += [""]
        if part.network != network:
            network, picture = part.network, ()
            body += network
        if part.picture != picture:
            picture = part.picture
            body += picture
        key = (cell.method, cell.network, cell.layer, cell.picture_title)
        body += [*part.map, f"maps[{', '.join(map(repr, key))}] = values"]
    return head_of(cells) + imports_of(frozenset().union(*(part.imports for part in parts))) + joined(*body)


def lines_of(cell: Taken) -> Lines:
    network_imports, network = _network(cell)
    picture_imports, picture = _picture(cell)
    map_imports, lines = _map(cell)
    return Lines(frozenset(network_imports | picture_imports | map_imports), network, picture, lines)


def _network(cell: Taken) -> tuple[set, tuple[str, ...]]:
    where = "" if cell.device == "cpu" else f", device={cell.device!r}"
    weights = f"  # SHA-256 of the weights: {cell.fingerprint[:12]}…"
    if cell.own_weights:
        name = cell.network.removesuffix(OWN_WEIGHTS)
        lines = (
            "# Put in the path of your weights file.",
            f'network = load_checkpoint({name!r}, "your-weights.safetensors"{_chosen(cell.source)}{where}){weights}',
        )
        return {("explainers", "load_checkpoint")}, lines
    load = f"network = load_network({cell.network!r}{where}){weights}"
    if cell.source == SOURCE_ADDED:
        note = "# Put in the file or the package.module:callable that it was added from, and its size and scale."
        add = f'add_network("your-network.pt2", {cell.network!r})'
        return {("explainers", "add_network"), ("explainers", "load_network")}, (note, add, load)
    return {("explainers", "load_network")}, (load,)


def _chosen(source: str) -> str:
    """Which of several sets of weights in a file.

    >>> _chosen("a file of your own, its weights 'model_ema'"), _chosen("a file of your own")
    (", weights='model_ema'", '')
    """
    _, found, name = source.partition("its weights '")
    return f", weights={name.removesuffix(chr(39))!r}" if found else ""


def _picture(cell: Taken) -> tuple[set, tuple[str, ...]]:
    source, _, name = cell.picture.partition("/")
    notes: tuple[str, ...] = ()
    if source in EDITIONS:
        needed = {("explainers.datasets.birds", "render_bird")}
        edition = ""
        if EDITIONS[source] is LOOKALIKES:
            needed.add(("explainers.datasets.birds", "LOOKALIKES"))
            edition = ", edition=LOOKALIKES"
        image = f"render_bird({int(name)}, size={shown_side(cell.x.shape[-1])}{edition}).image"
    elif source == "tissue":
        needed = {("explainers.datasets.membranes_rendered", "render_tissue")}
        image = f"render_tissue({int(name)}).image"
    elif source == "photo":
        needed = {("explainers.datasets.photographs", "photographs")}
        image = f"next(photo for photo in photographs() if photo.name == {name!r}).load()"
    else:
        needed = {("pathlib", "Path"), ("explainers.datasets.pictures", "open_picture")}
        # Where it is transparent, what lies under it counts: white unless another ground is named.
        image = f'open_picture(Path("your-picture.png"), longest={LONGEST})'
        notes = (f'# Put in the path of your picture, {cell.picture_title}; ground="grey" if you chose that.',)
    to_device = "" if cell.device == "cpu" else f".to({cell.device!r})"
    return needed, (*notes, f"image = {image}{_part(cell)}", f"x = network.preprocess(image)[None]{to_device}")


def _part(cell: Taken) -> str:
    """The crop, in pixels where the picture is known; else in its shares."""
    if not cell.part:
        return ""
    crop = Crop.from_text(cell.part)
    if not cell.uploaded:
        return f".crop({crop.pixels(find_picture(cell.picture, shown_side(cell.x.shape[-1])).image.size)})"
    shares = crop.x0, crop.y0, crop.x1, crop.y1
    return f"\nimage = image.crop([round(share * side) for share, side in zip({shares}, image.size * 2)])"


def _map(cell: Taken) -> tuple[set, tuple[str, ...]]:
    layer = f"network.layer({cell.layer!r})" if cell.layer else "None"
    if cell.method in ENTROPIES:
        return (_cid if cell.method == CID_NAME else _ru)(cell, layer)
    needed = {("explainers.baselines", "attribute")}
    options = "".join(f", {name}={value!r}" for name, value in cell.settings.items())
    if cell.method == "bottleneck":
        needed |= {("explainers.baselines.bottleneck", "BottleneckSettings")}
        options = f", settings=BottleneckSettings({options.removeprefix(', ')})"
    goal = f", target={cell.target}" if cell.target is not None else ""
    note = f"  # the {cell.explains} {' '.join(cell.class_name.split())}" if goal else ""
    call = f"attribute({cell.method!r}, network, {layer}, x{goal}{options})"
    return needed, (f"values = {call}[0, 0].cpu().numpy(){note}",)


def _cid(cell: Taken, layer: str) -> tuple[set, tuple[str, ...]]:
    down, across = (side // cells for side, cells in zip(cell.x.shape[-2:], cell.values.shape, strict=True))
    # One value per cell: the map repeats it for every pixel of the cell.
    cells = f", ::{down}, ::{across}" if (down, across) != (1, 1) else ""
    return {("explainers", "CID"), ("explainers", "CIDSettings")}, (
        f"settings = {CIDSettings(**cell.settings)!r}",
        f"result = CID(network.module, {layer}).explain(x, settings)",
        f"values = result.entropy[0, 0{cells}].numpy()  # nats",
    )


def _ru(cell: Taken, layer: str) -> tuple[set, tuple[str, ...]]:
    names = {("explainers", "RU"), ("explainers", "CIDSettings")}
    digest = cell.decoder.digest[:12] if cell.decoder is not None else ""
    return names | {("explainers.decoders", "find_decoder"), ("explainers.decoders", "load_decoder")}, (
        f"layer = {layer}",
        f"decoder = load_decoder(find_decoder(network, layer)).to(x.device)  # {digest}…",
        f"settings = {CIDSettings(**cell.settings)!r}",
        "result = RU(network.module, layer, decoder).explain(x, settings)",
        "values = result.entropy[0, 0].numpy()  # nats",
    )


def head_of(cells: Sequence[Taken]) -> str:
    cell = cells[0]
    if len(cells) == 1:
        place = f" of {cell.layer}" if cell.layer else ""
        what = f"{cell.method_title}{place}, {cell.network_title}: {cell.picture_title}"
    else:
        what = counted(len(cells), "map")
    made = f"{LIBRARY} {cell.versions['library']}, torch {cell.versions['torch']}"
    return f"# {' '.join(what.split())}\n# Made with {made} on {cell.device}.\n"


def imports_of(names: frozenset[tuple[str, str]]) -> str:
    modules = sorted({module for module, _ in names}, key=lambda module: (module != "pathlib", module))
    lines = [
        f"from {module} import {', '.join(sorted(n for m, n in names if m == module))}" for module in modules
    ]  # fmt: skip
    return joined(*lines) + "\n"


def joined(*lines: str) -> str:
    return "\n".join(lines) + "\n"
