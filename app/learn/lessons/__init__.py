"""The lessons of the Learn section, in their order."""

from app.learn.lessons import beta, binned, efficiency, entropy, information, limit, noise, rescaling, wall
from app.learn.lessons.lesson import Lesson

LESSONS: tuple[Lesson, ...] = (
    entropy.LESSON,
    noise.LESSON,
    wall.LESSON,
    rescaling.LESSON,
    beta.LESSON,
    efficiency.LESSON,
    limit.LESSON,
    information.LESSON,
    binned.LESSON,
)


def find(slug: str | None) -> int:
    """The place of a lesson; the first for a name that no lesson has.

    >>> find("noise"), find("no such lesson"), find(None)
    (1, 0, 0)
    """
    return next((place for place, lesson in enumerate(LESSONS) if lesson.slug == slug), 0)
