"""What is asked before a lesson is shown, what can be answered, and what is true."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question with two to four `options`, the number of the `right` one, and a sentence on why."""

    text: str
    options: tuple[str, ...]
    right: int
    why: str


QUESTIONS = {
    "entropy": Question(
        "The noise on a pixel becomes twice as wide. What does its entropy do?",
        ("It doubles", "It rises by 0.69 nats", "That depends on how wide it was"),
        1,
        "H is log σ and a constant, so every doubling adds log 2 ≈ 0.69 nats, from wherever it starts.",
    ),
    "noise": Question(
        "The layer's feature may move as far as before. Instead of the same noise everywhere, each pixel may now have "
        "its own. How much noise fits in?",
        ("Less", "As much", "More"),
        2,
        "What is gained where the layer hardly looks is more than what is lost where it looks closely.",
    ),
    "wall": Question(
        "A function hands on every pixel of a white wall but one. What of that one pixel?",
        ("CID and RU are high", "CID is high, RU is low", "CID is low, RU is high", "CID and RU are low"),
        1,
        "The function does not use the pixel, so any noise fits in; but its neighbours have nearly the same colour and "
        "give it away.",
    ),
    "rescaling": Question(
        "All weights of one layer are divided by 4, those of the next are multiplied by 4. The answer stays. What of "
        "the slope of the answer at this layer, and of CID?",
        ("Both stay", "Both move", "The slope moves, CID stays", "The slope stays, CID moves"),
        2,
        "The slope grows 4 times. In CID the feature's movement and its allowance shrink together.",
    ),
    "beta": Question(
        "β becomes 100 times as large. What would each pixel's CID do if the layer were linear?",
        ("Become 100 times as large", "Rise by 2.3 nats, all pixels alike", "Rise most where it was high"),
        1,
        "Ten times the noise everywhere is ½ log 100 ≈ 2.3 nats for every pixel.",
    ),
    "efficiency": Question(
        "Two layers have discarded equally much in all: one mostly the background, one mostly the bird. Which of them "
        "is the more efficient, says the paper's law?",
        ("The one that dropped the background", "The one that dropped the bird", "Both alike"),
        0,
        "Concentration is higher where the background has gone, and efficiency rises with it where C₂ is positive.",
    ),
    "limit": Question(
        "Half of a layer's filters speak at half their volume. Nothing is lost: they could be turned up again. What "
        "does CID say?",
        ("The same as before", "Something else"),
        1,
        "CID counts what moves the feature numerically, and pixels that only quiet filters look at move it less.",
    ),
    "information": Question(
        "A neuron without noise squashes four inputs until they nearly coincide. How much does it tell of its input?",
        ("Less and less", "As much as before, log 4", "Nothing in the end"),
        1,
        "However close they come they are still four values. Only noise can make them hard to tell apart.",
    ),
    "binned": Question(
        "A network without noise learns from n inputs. What does its I(X;T) do meanwhile?",
        ("It rises, then falls", "It falls all the time", "It never moves"),
        2,
        "It is log n throughout. What moves are the bins that somebody has sorted its values into.",
    ),
}
