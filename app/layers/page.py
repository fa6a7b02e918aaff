"""Layers: what several networks discard from layer to layer, over many pictures."""

import streamlit as st

from app.address import selection
from app.jobs.backend import Backend, the_backend
from app.layers.choice import check_link, choice, shown_networks
from app.layers.controls import metric_control, networks_control, settings_control, source_control
from app.layers.own import own_control
from app.layers.run import curves, let_go
from app.layers.upload import table, table_control
from app.parts import link_notice
from app.parts.look import apply

LEAD = (
    "How does what networks discard grow from their first layer to their last, and of what? A curve for each network, "
    "the mean over many pictures with its interval, on one scale in nats."
)


def page() -> None:
    """Sidebar -> networks, pictures, settings; status, chart, table, pictures of a point, command."""
    backend = the_backend()
    apply()
    link_notice.check("layers", backend, choice().texts())
    check_link(backend)
    computed = choice().source != "table"
    with st.sidebar:
        if computed:
            networks_control(backend)
        source_control()
        if choice().source == "own":
            own_control()
        if computed:
            settings_control()
        else:
            table_control()
    st.title("What do networks discard, layer by layer?", anchor=False)
    notice = st.empty()
    st.markdown(LEAD)
    _check_layer(backend)
    selection.write_address(choice().to_query())
    link_notice.draw(notice, (selection.selection(), choice()))
    metric_control()
    if computed:
        curves(backend)
    else:
        let_go(backend)
        table()


def _check_layer(backend: Backend) -> None:
    """Leaves out a layer and a grid, which other pages share, that the network of the other pages does not have."""
    name = selection.selection().network
    if choice().source != "table" and name in shown_networks():
        view = backend.network(name, selection.owner(f"layers {name}"))
        if view.state == "done":
            link_notice.check_network("layers", view.value, view.value.input_size)
