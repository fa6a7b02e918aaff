"""What is said of a mean whose noise does not meet the constraint."""

from app.words import number
from explainers import CIDResult
from explainers.cid.certainty import misfit

UNSURE_POINTS = (
    "Open points are uncertain: the noise of their maps does not meet the constraint, so that the mean may be wrong by "
    "more than a tenth of a nat. Refined maps meet it."
)

WHISKERS = (
    "Whiskers: what a mean may be off by, by its standard error, by what the constraint tells and by what the map may "
    "have lost."
)

LEAST_POINTS = (
    "Means of RU are the least that they can be where nobody has measured how far a map lies below its maximum; "
    "whiskers leave that out."
)


def misfit_sentence(result: CIDResult, whose: str = "") -> str:
    """How far a map is from meeting the constraint, and what that does to its mean; `whose` follows its name."""
    kind = "The map" if result.settings.refine else "The closed form"
    reached = float(result.constraint[0])
    by = "an unknown amount" if result.reconstruction is not None else f"{number(misfit(reached), 2)} nats or more"
    return (
        f"{kind}{whose} is not to be relied on: its noise moves the feature {number(reached)} times as far as it may, "
        f"so that its mean may be wrong by {by}."
    )
