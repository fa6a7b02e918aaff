"""The decoder of a layer: what it was trained on, or the box that has one trained."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import streamlit as st

from app.address import selection
from app.explore.decoder_pictures import own_pictures
from app.jobs.backend import Backend, View
from app.jobs.costs import drawing_seconds, guess
from app.jobs.decoders import STEPS, DecoderRequest, TrainingRequest, birds_for, pictures_key, steps_done
from app.parts.watch import Asked, Watch, afresh
from app.words import about, coarsely
from explainers.datasets.birds.source import drawn_side
from explainers.decoders.cards import DecoderCard, find_decoder, trained_here
from explainers.decoders.pictures import BirdSource
from explainers.networks.catalogue import Network
from explainers.networks.layers import Layer

Option = TypeVar("Option")
SOURCES = {"birds": "Rendered birds", "own": "Your own pictures"}
LENGTHS: dict[int, str] = dict(zip(STEPS, ("Quick look", "Good", "Thorough"), strict=True))
PURPOSE = (
    "RU asks how well the picture can be recovered from a layer. That takes a **decoder**: a small network that gives "
    "back the picture from the layer's feature. **{layer}** of {network} has none yet. One can be trained here; it "
    "is kept on this computer, without the pictures, and serves everybody who uses this page."
)
AGAIN = "Another training takes the place of this decoder once it is done."
HELP_SOURCE = (
    "What the decoder learns from. It gives back best what it has seen: take pictures like those to be explained. "
    "Birds are drawn here; your own pictures stay in this computer's memory."
)
HELP_TRAIN = "Starts the training. It shows how far it is and can be cancelled; what it has learnt by then is kept."
HELP_AGAIN = "More steps or other pictures, for a decoder that was trained on this computer."
HELP_STEPS = "More steps, sharper reconstructions. Too few, and the map shows what the decoder has not learnt yet."


def decoder_offer(backend: Backend, network: Network, layer: Layer, place: str = "layer") -> DecoderCard | None:
    """Draws what there is to say of the decoder of `layer`, or the offer to train one; the card where there is one.

    `place` tells two of them on one page apart.
    """
    card = find_decoder(network, layer)
    work = Watch("decoder", lambda: [Asked(DecoderRequest(network, layer), start=False)], f"decoder_{place}_run")
    (view,) = work.ask()
    if view.live:
        work.draw(lambda views: _running(work, views))
    elif card is None:
        with st.container(border=True, key=f"decoder_{place}"):
            st.markdown(PURPOSE.format(layer=layer.name, network=network.title))
            _form(backend, network, layer, place, view, "")
    if card is not None:
        line = st.container(horizontal=True, vertical_alignment="center", key=f"decoder_{place}_card")
        line.caption(described(card))
        if trained_here(card) and not view.live:
            with line.popover("Train again", icon=":material/model_training:", help=HELP_AGAIN):
                st.caption(AGAIN)
                _form(backend, network, layer, place, view, card.digest)
    return card


def described(card: DecoderCard) -> str:
    """What a reader has to know of a decoder, in one sentence."""
    origin = "trained on this computer" if trained_here(card) else "shipped with this project"
    return (
        f"The decoder of {card.layer} ({origin}) learnt from {card.data}; {card.steps} steps of {card.batch}. On "
        f"{card.held_out:,} held-out pictures its root mean square error is {card.error:.3f} of 1."
    )


def _running(work: Watch, views: list[View]) -> None:
    (view,) = views
    work.status(views, "The decoder waits for its turn" if view.value is None else view.value.text, "")


def _form(backend: Backend, network: Network, layer: Layer, place: str, view: View, replaces: str) -> None:
    kind = _choice(
        "Pictures to train on",
        "source",
        list(SOURCES),
        place,
        titled=SOURCES.__getitem__,
        default="birds",
        help=HELP_SOURCE,
    )
    birds = birds_for(network)
    source = own_pictures(place) if kind == "own" else birds

    def length(count: int) -> str:
        seconds = guess(backend, DecoderRequest(network, layer, TrainingRequest(birds, count)))
        return f"{LENGTHS[count]}: {count} steps" + ("" if seconds is None else f", {about(seconds)}")

    steps = _choice(
        "How long",
        "steps",
        STEPS,
        place,
        titled=length,
        default=STEPS[1],
        help=HELP_STEPS,
    )
    if kind == "birds":
        st.caption(_birds_note(backend, network, birds))
    if view.message:
        st.warning(view.message)
    request = TrainingRequest(source, steps, replaces) if source else None
    done = steps_done(network, layer, request) if request else 0
    label = f"Go on from step {done} of {steps}" if done else "Train the decoder"
    begin = _begin(backend, network, layer, request)
    st.button(
        label,
        type="primary",
        icon=":material/play_arrow:",
        disabled=request is None,
        key=f"w_decoder_{place}_train",
        on_click=begin,
        help=HELP_TRAIN,
    )
    if refusal := st.session_state.pop("decoder_refused", None):
        st.warning(refusal)


def _choice(
    label: str,
    name: str,
    options: Sequence[Option],
    place: str,
    titled: Callable[[Option], str],
    default: Option,
    help: str,
) -> Option:
    """One of `options`; the session remembers it, since the widget is gone while a decoder is being trained."""
    widget, kept = f"w_decoder_{place}_{name}", f"decoder_choice_{name}"

    def take() -> None:
        st.session_state[kept] = st.session_state[widget]

    st.session_state[widget] = st.session_state.get(kept, default)
    st.segmented_control(label, options, format_func=titled, key=widget, on_change=take, required=True, help=help)
    return st.session_state[widget]


def _begin(backend: Backend, network: Network, layer: Layer, training: TrainingRequest | None) -> Callable[[], None]:
    def begin() -> None:
        asked = DecoderRequest(network, layer, training)
        afresh(asked.key)
        view = backend.ask(asked, selection.owner("decoder"))
        if view.state == "refused":
            st.session_state["decoder_refused"] = view.message

    return begin


def _birds_note(backend: Backend, network: Network, source: BirdSource) -> str:
    drawn = backend.shelf.get(pictures_key(network, source)) is not None
    seconds = drawing_seconds(len(source), drawn_side(network.preprocessing.resize))
    before = "They are drawn already." if drawn else f"Drawing them takes {coarsely(seconds)}."
    return f"{source.count} birds to train on, {source.held_out} more to measure the error. {before}"
