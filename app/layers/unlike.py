"""A point's maps against Grad-CAM's: asked for while its pictures stand in that order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from app.jobs.backend import View
from app.parts.watch import Asked, Watch
from app.words import counted
from explainers.sweeps.agreement import Agreement, AgreementRequest

LINE = "layers_unlike"
SPOT = "layers_compared"


@dataclass(frozen=True)
class Compared:
    """Which point: its network's fingerprint, its layer's name, the place of its setting, its pictures' names."""

    fingerprint: str
    layer: str
    setting: int
    pictures: tuple[str, ...]


class Unlike:
    """The comparison that this session has asked for last, if any.

    `find` makes the request of a point, None where its network is not here. What `watch` asks for is asked for from
    the page's own poll, so that the two are drawn together.
    """

    def __init__(self, find: Callable[[Compared], AgreementRequest | None]) -> None:
        self.find = find
        self.watch = Watch("layers unlike", self._build, LINE)
        # Whether the page polls already.
        self.polled = False

    def _build(self) -> Sequence[Asked | View]:
        spot: Compared | None = st.session_state.get(SPOT)
        request = self.find(spot) if spot is not None else None
        return [] if request is None else [Asked(request)]

    def drop(self) -> None:
        """Nothing is compared any more."""
        if st.session_state.pop(SPOT, None) is not None:
            self.watch.release()

    def correlations(self, spot: Compared) -> Mapping[str, float]:
        """ρ by picture, as far as it is known; draws how far that is."""
        st.session_state[SPOT] = spot
        views = self.watch.release()
        if any(view.live for view in views) and not self.polled:
            st.rerun()
        if not views:
            return {}
        (view,) = views
        found: Agreement | None = view.value
        ready = len(found.pictures) if found else 0
        if view.state == "refused":
            st.caption(f":material/info: Not compared with Grad-CAM: {view.message}")
        else:
            count = counted(len(spot.pictures), "picture")
            self.watch.status(
                views,
                f"Compared with Grad-CAM: {ready} of {count}",
                f"Compared with Grad-CAM: {count}.",
                f"The comparison was cancelled; {ready} of {count} are through.",
            )
        return dict(zip(found.pictures, found.correlation, strict=True)) if found else {}
