"""Weights files of one's own: of which architecture, and which of several things in one file."""

from collections.abc import Callable

import streamlit as st

from app.jobs.backend import Backend, networks
from explainers.networks.added import ADDED_FAMILY

# The architecture of a file that is told by its names and shapes.
RECOGNISED = ""
ENDINGS = ["safetensors", "pt", "pth", "th", "bin", "ckpt"]
ARCHITECTURE_HELP = (
    "What the weights were made for: found out from the names and shapes in the file, or chosen here. Pictures are "
    "scaled and normalised as for the network of this name; the number of classes is read from the file. Names and "
    "shapes do not tell everything, strides for instance: see whether the answers to known pictures are right."
)
WEIGHTS_HELP = (
    "A state dict: a .safetensors file, or one saved with torch.save(model.state_dict(), …); the checkpoint of a "
    "training may stand around it. Nothing but tensors is read. It stays in this computer's memory, for this visit "
    "only, and is sent nowhere."
)
CHOICE_HELP = "Several things in this file could be meant, and its names and shapes do not say which."


# As the server's settings have it.
MEGABYTES = 600
# Streamlit calls six hundred megabytes a gigabyte, which is neither to be seen nor to be heard.
LIMIT = """
<style>
.st-key-{key} [data-testid="stFileUploaderDropzoneInstructions"] span {{visibility:hidden; font-size:0}}
.st-key-{key} [data-testid="stFileUploaderDropzoneInstructions"] span::after {{
  content:"{words}"; visibility:visible; font-size:.85rem;
}}
</style>
"""


def file_of_weights(label: str, key: str, on_change: Callable[..., None], *args: object) -> None:
    """Takes one file of weights."""
    words = f"{MEGABYTES} MB per file • {', '.join(ENDINGS).upper()}"
    st.html(LIMIT.format(key=key, words=words))
    st.file_uploader(
        label, type=ENDINGS, key=key, max_upload_size=MEGABYTES, on_change=on_change, args=args, help=WEIGHTS_HELP
    )


def architecture_control(key: str, on_change: Callable[..., None], *args: object) -> None:
    """The architecture of weights files, for this session; `RECOGNISED` where the file is to tell."""
    known = {entry.name: entry.title for entry in networks() if entry.family != ADDED_FAMILY}
    titles = {RECOGNISED: "Recognised from the file"} | known
    st.session_state[key] = st.session_state.setdefault("architecture", RECOGNISED)
    st.selectbox(
        "Architecture",
        list(titles),
        format_func=titles.__getitem__,
        key=key,
        on_change=on_change,
        args=args,
        help=ARCHITECTURE_HELP,
    )


def choice_control(backend: Backend, network: str, key: str, on_choice: Callable[[dict[str, str]], None]) -> None:
    """Where a file leaves open what is meant, the choice: given on as an argument of `Backend.add_network`."""
    needed = backend.choice(network)
    if needed is None:
        return
    settled = dict(zip(["architecture"], needed.architectures, strict=True)) if needed.weights else {}
    name, options = ("weights", needed.weights) if needed.weights else ("architecture", needed.architectures)
    words = {"architecture": "Which architecture", "weights": "Which weights"}[name]

    def take() -> None:
        if (chosen := st.session_state[key]) is not None:
            on_choice(settled | {name: chosen})

    st.selectbox(
        words,
        list(options),
        index=None,
        placeholder="Choose …",
        format_func=lambda option: option or "those at the top",
        key=key,
        on_change=take,
        help=CHOICE_HELP,
    )


def titled(file: str, architecture: str, weights: str | None = None) -> str:
    """How a network of one's own is called in lists.

    >>> titled("mine.pt", "vgg16"), titled("mine.pt", "", "model_ema")
    ('mine.pt · vgg16', 'mine.pt · model_ema')
    """
    return " · ".join(part for part in (file, architecture, weights) if part)
