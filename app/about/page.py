"""About: what the numbers mean, in a minute."""

import streamlit as st

from app.parts.look import READING

TEXT = """
This explorer shows how much of each pixel a layer of a trained network has thrown away.

**The idea.** Add noise to a picture. If a layer's feature hardly moves, the layer did not need the exact
value of those pixels: it has discarded that information. *Computational information discarding* (CID) looks
for the most noise the picture can bear while the feature moves by a fixed small amount, and reports per
pixel how much that is, as an entropy in **nats** (one nat is about 1.44 bits).

**Reading a map.** Yellow: much noise fits in, little of the pixel is used. Blue: little noise fits in, the
layer holds on to this pixel. Crossed grey cells are not used at all.

**Comparing.** The map in nats may be compared between layers and pictures at one β; a map stretched to [0,
1] shows the pattern only.

**Concentration** is the mean entropy of the background minus that of the subject: how much more the layer
has discarded of what surrounds the subject.

**Step by step.** The nine lessons under [Learn](./learn) take one idea each, with something to move; the
[Glossary](./glossary) has every word.

**Limits.** The map speaks of one picture and its close surroundings. It says what the layer uses, not
whether that is right.

Source: *Quantification and analysis of layer-wise and pixel-wise information discarding*, ICML 2022
([arXiv 1906.04109](https://arxiv.org/abs/1906.04109)).
"""


def page() -> None:
    with st.container(width=READING):
        st.title("What this is", anchor=False)
        st.markdown(TEXT)
