"""Every kind of map that can be shown, described for the reader: ours first, then the baselines."""

from dataclasses import dataclass
from functools import lru_cache

OURS = ("cid", "ru")


@dataclass(frozen=True)
class MapMethod:
    """How a kind of map is called, what it shows in one sentence, and what it depends on.

    `signed`: values below zero mean something; `passes` is about how many passes a map of a picture of 224×224 takes.
    """

    name: str
    title: str
    sentence: str
    unit: str
    signed: bool
    uses_layer: bool
    needs_target: bool
    passes: int
    reference: str

    @property
    def ours(self) -> bool:
        return self.name in OURS


_CID = MapMethod(
    "cid",
    "CID",
    "How much noise each pixel can bear before the layer's feature moves noticeably: what the layer has discarded.",
    "nats",
    signed=False,
    uses_layer=True,
    needs_target=False,
    passes=1_000,
    reference="ICML 2022, Eq. 3",
)
_RU = MapMethod(
    "ru",
    "RU",
    "How badly a decoder that was trained for the layer recovers each pixel from its feature, under the same noise.",
    "nats",
    signed=False,
    uses_layer=True,
    needs_target=False,
    passes=10_000,
    reference="ICML 2022, Eqs. 6–7",
)


@lru_cache(maxsize=1)
def methods() -> dict[str, MapMethod]:
    """By name, in the order in which they are offered.

    >>> list(methods())[:3], methods()["grad_cam"].uses_layer, methods()["lrp"].signed
    (['cid', 'ru', 'saliency'], True, True)
    """
    # It brings Captum: whoever looks at our own maps need not wait for it.
    from explainers.baselines.explain import METHODS

    others = {
        method.name: MapMethod(
            method.name,
            method.title,
            method.sentence,
            method.unit,
            method.signed,
            method.needs_layer,
            method.needs_target,
            sum(method.passes(224, 224)),
            method.reference,
        )
        for method in METHODS.values()
    }
    return {"cid": _CID, "ru": _RU} | others
