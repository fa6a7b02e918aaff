"""Take away the curves over all layers, and the maps behind them."""

from collections.abc import Sequence

import streamlit as st

from app.explore.reports import layers_png, layers_report
from app.explore.take import ABSENT
from app.export.curves import Curve, Curves
from app.export.names import picture_part, stem
from app.export.picture import Line
from app.export.record import Taken
from app.figures.ends import ENDS
from app.figures.style import NATS_SCALE
from app.inputs.columns import Column
from app.jobs.backend import Backend, View
from app.jobs.objects import foreground_gain
from app.parts.report_files import here, report_files, today
from app.parts.take_files import NOT_YET, File, buttons, drawings, popover, record, several
from explainers import CIDSettings
from explainers.cid.certainty import is_certain, loss_unknown, mean_uncertainty
from explainers.methods.network_input import NetworkInput
from explainers.methods.registry import methods
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer


def take_curves(
    backend: Backend,
    network: Network,
    network_input: NetworkInput,
    layers: Sequence[Layer],
    views: Sequence[View],
    metric: str,
    settings: CIDSettings,
) -> None:
    """A popover for the curves of a metric, one of the `views` for each of the `layers`."""
    method, columns = methods()[metric], [Column(layer.name, "", network, network_input, layer) for layer in layers]
    cells = [record(method, column, view, 0, str(backend.device)) for column, view in zip(columns, views, strict=True)]
    ready = [cell for cell in cells if isinstance(cell, Taken)]
    name = stem(network.name, metric, picture_part(network_input.key, network_input.title), "layers")
    printed = tuple(ABSENT if cell == NOT_YET else cell for cell in cells)
    limits, ends = method.fixed_scale(settings), ENDS.get(method.name)
    line = Line(method.title, method.unit, False, NATS_SCALE, limits, printed, ends)
    curves, made = curves_of(network, network_input, layers, views, metric), (here(), today())
    with popover("curves"):
        if not ready:
            st.caption(NOT_YET)
        elif len(ready) < len(cells):
            st.caption(f"{len(ready)} of {len(cells)} layers are ready; the others stay gaps.")
        st.markdown("**The curves**")
        buttons(drawings(curves, name), "curves", not ready)
        st.markdown("**The maps**")
        png = File("png", f"{name}-maps.png", lambda: layers_png(backend, columns, line, curves))
        buttons([png, *several(ready, f"{name}-maps")], "curve_maps", not ready)
        st.markdown("**The page**")
        page = report_files(lambda: layers_report(backend, columns, views, line, curves, *made), name)
        buttons(page, "curve_page", not ready)


def curves_of(
    network: Network, network_input: NetworkInput, layers: Sequence[Layer], views: Sequence[View], metric: str
) -> Curves:
    """Mean and, where the picture has a foreground, concentration of every layer that is ready."""
    found = [view.value if view.state == "done" else None for view in views]
    title = f"mean {metric.upper()}"
    means = tuple(None if one is None else float(one.mean[0]) for one in found)
    errors = tuple(None if one is None else mean_uncertainty(one.numbers) for one in found)
    unsure = tuple(one is not None and not is_certain(one.numbers) for one in found)
    more = tuple(one is not None and loss_unknown(one.numbers) for one in found)
    curves = [Curve(title, f"{title} (nats per input variable)", means, errors, unsure=unsure, more=more)]
    if network_input.mask is not None or network_input.box is not None:
        gains = tuple(None if one is None else foreground_gain(one, network_input)[0] for one in found)
        curves.append(Curve("concentration", "concentration (nats)", gains))
    names = tuple(layer.name for layer in layers)
    return Curves(f"{metric.upper()} of every layer · {network.title}", network_input.title, names, tuple(curves))
