"""Which network a weights file is of, by the names and shapes of its tensors alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from explainers.checkpoints.keys import Alignment, State, alignments, merged, plain_keys
from explainers.networks.recognised_specs import expected_of, families, residual_specs, resized_spec, small_vgg_specs
from explainers.networks.specs import Spec

# Of the first member of a family so much has to be in the file for the others to be looked at.
LIKENESS = 0.3


@dataclass(frozen=True)
class Found:
    """An architecture whose weights are in a file, under the name `weights` of one of its sets."""

    spec: Spec
    weights: str
    alignment: Alignment


def fitting(spec: Spec, sets: Mapping[str, State]) -> list[Found]:
    """The sets of weights in a file that are those of one architecture, entry by entry."""
    return [
        Found(spec, _named(container, found.prefix), found)
        for container, state in sets.items()
        for found in alignments(expected_of(spec), state, spec.rename)
        if found.complete
    ]


def recognise(registered: Iterable[Spec], sets: Mapping[str, State]) -> list[Found]:
    """Every architecture that a file's weights are of; registered ones, else any that can be made for them.

    Several where a file holds several sets, and where names and shapes leave more than one architecture open.
    """
    registered = tuple(unlike(registered))
    known = [found for spec in registered for found in fitting(spec, sets)]
    if known:
        return known
    plain = [plain_keys(merged(state)) for state in sets.values()]
    made = {spec.name: spec for state in plain for spec in (*residual_specs(state), *small_vgg_specs(state))}
    exact = [found for spec in made.values() for found in fitting(spec, sets)]
    if not exact:
        kin = {spec.name: spec for spec in _kin(sets)}
        exact = [found for spec in kin.values() for found in fitting(spec, sets)]
        made |= kin
    if exact:
        return exact
    resized: dict[str, Spec] = {}
    for spec in (*registered, *made.values()):
        for state in sets.values():
            if (new := resized_spec(spec, alignments(expected_of(spec), state, spec.rename)[0])) is not None:
                resized.setdefault(new.name, new)
    return [found for spec in resized.values() for found in fitting(spec, sets)]


def unlike(registered: Iterable[Spec]) -> list[Spec]:
    """The first of every architecture: what differs in its training alone is one to whoever brings weights.

    >>> from explainers.networks.specs import STUDIED
    >>> [spec.name for spec in unlike(spec for spec in STUDIED if spec.family == "AlexNet")]
    ['alexnet-lookalikes']
    """
    found: dict[frozenset[tuple[str, tuple[int | None, ...]]], Spec] = {}
    for spec in registered:
        found.setdefault(frozenset(expected_of(spec).items()), spec)
    return list(found.values())


def nearest(registered: Iterable[Spec], sets: Mapping[str, State]) -> Found:
    """The registered architecture with which the file has the largest share of names and shapes in common."""
    return max(
        (
            Found(spec, _named(container, found.prefix), found)
            for spec in registered
            for container, state in sets.items()
            for found in alignments(expected_of(spec), state, spec.rename)[:1]
        ),
        key=lambda one: one.alignment.likeness,
    )


def _kin(sets: Mapping[str, State]) -> Iterable[Spec]:
    for members in families():
        expected = expected_of(members[0])
        found = [alignments(expected, state, members[0].rename)[0] for state in sets.values()]
        if any(len(one.state) >= LIKENESS * len(expected) for one in found):
            yield from members


def _named(container: str, prefix: str) -> str:
    """How a set is called in the file: by what holds it and by what its names begin with.

    >>> _named("state_dict", "ema_model."), _named("", "")
    ('state_dict/ema_model', '')
    """
    return "/".join(part for part in (container, prefix.rstrip(".")) if part)
