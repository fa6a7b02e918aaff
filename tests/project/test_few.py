"""The short way through the tests leaves out cases, and no law."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import pytest_collection_modifyitems


@given(st.lists(st.integers(1, 6), max_size=5))
def test_of_every_law_its_first_and_last_case_stay(counts):
    everything = [
        SimpleNamespace(nodeid=f"law{law}" + (f"[{case}]" if count > 1 else ""))
        for law, count in enumerate(counts)
        for case in range(count)
    ]
    gone: list[SimpleNamespace] = []
    hook = SimpleNamespace(pytest_deselected=lambda items: gone.extend(items))
    for few in (False, True):
        items = list(everything)
        pytest_collection_modifyitems(SimpleNamespace(getoption=lambda _, few=few: few, hook=hook), items)
        kept = [min(count, 2) if few else count for count in counts]
        assert [one.nodeid for one in items] == [
            f"law{law}" + (f"[{case}]" if count > 1 else "")
            for law, (count, some) in enumerate(zip(counts, kept, strict=True))
            for case in ([0, count - 1][:some] if few else range(count))
        ]
        assert len(items) + len(gone) == len(everything)
