"""The table on disk: whole rows whatever ends the work, one writer, and a sentence for whatever the disk does."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from explainers.sweeps import maps as sweep_maps
from explainers.sweeps import table as sweep_table
from explainers.sweeps.local import run_here
from explainers.sweeps.plan import Problem
from explainers.sweeps.table import SweepTable, TableError, read_maps, read_sweep
from tests.support.disks import small_disk
from tests.support.sweeps import BENCH, compared, quick_plan, todo


@pytest.fixture(scope="module")
def rows():
    return [row for done in run_here(todo(quick_plan(2)), BENCH) for row in done.rows]


def test_rows_come_back_as_they_were(tmp_path, rows):
    path = tmp_path / "deep" / "a.parquet"
    table = SweepTable(path)
    table.add(1, rows[2:])
    table.add(0, rows[:2])
    pd.testing.assert_frame_equal(compared(read_sweep(path)), compared(rows), check_exact=True)
    table.close()
    # In the order of the plan, and nothing else beside the file and its lock.
    assert list(read_sweep(path)["row"]) == [row.row for row in rows]
    assert {one.name for one in path.parent.iterdir()} == {"a.parquet", "a.parquet.lock"}


def test_a_table_goes_on_where_it_ended(tmp_path, rows):
    path = tmp_path / "a.parquet"
    first = SweepTable(path)
    first.add(0, rows[:1])
    first.close()
    second = SweepTable(path)
    assert second.done == {rows[0].row}
    second.add(1, rows[1:])
    second.close()
    assert list(read_sweep(path)["row"]) == [row.row for row in rows]


def test_what_was_merged_before_the_end_came_is_not_there_twice(tmp_path, rows, monkeypatch):
    path = tmp_path / "a.parquet"
    table = SweepTable(path)
    table.add(0, rows)
    with monkeypatch.context() as cut:
        cut.setattr(sweep_table, "remove_parts", lambda *args: None)
        table.close()
    assert list(table.parts.glob("*.parquet"))
    assert len(read_sweep(path)) == len(rows)
    SweepTable(path).close()
    assert pq.read_metadata(path).num_rows == len(rows)
    assert not table.parts.exists()


def test_two_writers_get_a_sentence(tmp_path, rows):
    path = tmp_path / "a.parquet"
    table = SweepTable(path)
    with pytest.raises(TableError, match=r"only sweep that writes to 'a\.parquet'"):
        SweepTable(path)
    table.add(0, rows)
    table.close()
    assert len(read_sweep(path)) == len(rows)


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1", b"name,x\n"])
def test_what_is_no_table_is_left_alone(tmp_path, content):
    path = tmp_path / "a.parquet"
    path.write_bytes(content)
    with pytest.raises(TableError, match="expected a table of a sweep"):
        SweepTable(path)
    with pytest.raises(TableError, match="expected a table of a sweep"):
        read_sweep(path)
    assert path.read_bytes() == content


def test_other_tables_are_left_alone(tmp_path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"row": ["a"]}).to_parquet(path)
    with pytest.raises(TableError, match="other columns"):
        SweepTable(path)
    assert len(pd.read_parquet(path)) == 1


def test_a_table_that_is_not_there_is_said(tmp_path):
    with pytest.raises(TableError, match="found no file"):
        read_sweep(tmp_path / "a.parquet")


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, rows):
    with small_disk(tmp_path / "small", 128) as folder:
        table = SweepTable(folder / "a.parquet")
        table.add(0, rows[:2])
        (folder / "filler").write_bytes(b"0" * (128 * 1024 - 16 * 4096))
        with pytest.raises(TableError, match="cannot be written: No space left"):
            fill(table, rows[2:])
        (folder / "filler").unlink()
        table.close()
        assert {row.row for row in rows[:2]} <= set(read_sweep(folder / "a.parquet")["row"])


def fill(table, rows) -> None:
    for place in range(1, 40):
        table.add(place, [replace(row, row=f"{place} {row.row}") for row in rows])


def test_maps_come_in_shards(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(sweep_maps, "SHARD", 3)
    made = {row.row: np.full((2, 2), place, np.float16) for place, row in enumerate(rows)}
    assert len(made) == 4
    for start in (0, 2):
        # The second sweep fills up the shard of the first.
        table = SweepTable(tmp_path / "a.parquet", tmp_path / "maps")
        part = rows[start : start + 2]
        table.add(start, part, {row.row: made[row.row] for row in part})
        assert read_maps(tmp_path / "maps").keys() == {row.row for row in rows[: start + 2]}
        table.close()
    assert sorted(one.name for one in (tmp_path / "maps").iterdir()) == ["shard-00000.npz", "shard-00001.npz"]
    found = read_maps(tmp_path / "maps")
    assert all(np.array_equal(found[name], values) and found[name].dtype == np.float16 for name, values in made.items())


def test_problems_stand_beside_the_table_until_they_are_gone(tmp_path, rows):
    path = tmp_path / "a.parquet"
    table = SweepTable(path)
    table.problem(Problem("b.png", "", "", "", 'b.png: expected a picture, got "something" else'))
    table.close()
    (one,) = pd.read_csv(table.side_table).itertuples()
    assert (one.picture, one.reason) == ("b.png", 'b.png: expected a picture, got "something" else')
    SweepTable(path).close()
    assert not table.side_table.exists()


def test_problems_of_other_work_stay_where_it_is_not_done_again(tmp_path):
    path = tmp_path / "a.parquet"
    table = SweepTable(path)
    for name in ("b.png", 'c, "d".png'):
        table.problem(Problem(name, "net", "", "", "expected a picture,\ngot something else"))
    table.close()
    again = SweepTable(path)
    again.keep_problems()
    again.settle(lambda one: one.picture == "b.png")
    again.problem(Problem("e.png", "", "", "", "gone"))
    again.close()
    assert [one.picture for one in pd.read_csv(table.side_table).itertuples()] == ['c, "d".png', "e.png"]
    table.side_table.write_bytes(b"\xff\x00,not\na table")
    last = SweepTable(path)
    last.keep_problems()
    last.close()
    assert not table.side_table.exists()


def test_what_else_lies_in_its_folders_is_left_alone(tmp_path, rows):
    maps = tmp_path / "maps"
    places = (
        "a.parquet.parts/notes.txt",
        "a.parquet.parts/20240517-x.parquet",
        "maps/parts/own.npz",
        "maps/shard-b.npz",
    )
    own = [tmp_path / place for place in (*places, "maps/parts/20240517-holiday.npz", "maps/parts/deep/x.npz")]
    for path in own:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"precious")
    table = SweepTable(tmp_path / "a.parquet", maps)
    table.add(0, rows[:1], {rows[0].row: np.zeros((2, 2), np.float16)})
    table.close()
    assert all(path.read_bytes() == b"precious" for path in own)
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path not in own]
    assert {path.name for path in left} == {"a.parquet", "a.parquet.lock", "maps.lock", "shard-00000.npz"}
    assert set(read_maps(maps)) == {rows[0].row}


def test_of_a_link_the_file_is_meant_that_it_leads_to(tmp_path, rows):
    (tmp_path / "real").mkdir()
    path, link = tmp_path / "real" / "a.parquet", tmp_path / "link.parquet"
    link.symlink_to(path)
    table = SweepTable(link)
    with pytest.raises(TableError, match=r"only sweep that writes to 'a\.parquet'"):
        SweepTable(path)
    table.add(0, rows)
    assert len(read_sweep(link)) == len(read_sweep(path)) == len(rows)
    table.close()
    assert link.is_symlink()
    assert len(read_sweep(path)) == len(rows)


def maps_of(rows) -> dict[str, np.ndarray]:
    return {row.row: np.full((2, 2), place, np.float16) for place, row in enumerate(rows)}


def test_rows_without_maps_are_done_again_and_stay_once(tmp_path, rows):
    path, maps = tmp_path / "a.parquet", tmp_path / "maps"
    table = SweepTable(path)
    assert table.add(0, rows[:2]) == 2
    table.close()
    table = SweepTable(path, maps)
    assert table.done == set()
    assert table.add(0, rows, maps_of(rows)) == len(rows) - 2
    table.close()
    assert pq.read_metadata(path).num_rows == len(read_maps(maps)) == len(rows)
    assert SweepTable(path, maps).done == {row.row for row in rows}


def test_a_row_that_is_made_again_for_its_map_is_that_of_the_map(tmp_path, rows):
    path, maps = tmp_path / "a.parquet", tmp_path / "maps"
    table = SweepTable(path)
    table.add(0, [replace(row, mean=-9.0) for row in rows])
    table.close()
    table = SweepTable(path, maps)
    assert table.add(0, rows[:2], maps_of(rows[:2])) == 0

    def means() -> dict[str, float]:
        frame = read_sweep(path)
        assert len(frame) == len(rows)
        return dict(zip(frame["row"], frame["mean"], strict=True))

    expected = {row.row: row.mean if place < 2 else -9.0 for place, row in enumerate(rows)}
    assert means() == expected
    table.close()
    assert means() == expected
    assert pq.read_metadata(path).num_rows == len(rows)


def test_sweeps_that_share_a_folder_of_maps_are_refused(tmp_path):
    table = SweepTable(tmp_path / "a.parquet", tmp_path / "maps")
    with pytest.raises(TableError, match="only sweep that writes to 'maps'"):
        SweepTable(tmp_path / "b.parquet", tmp_path / "maps")
    table.close()
    SweepTable(tmp_path / "b.parquet", tmp_path / "maps").close()


@pytest.mark.parametrize("size", [0, 100])
def test_what_a_power_cut_damages_is_done_again(tmp_path, rows, size):
    path, maps = tmp_path / "a.parquet", tmp_path / "maps"
    table = SweepTable(path, maps)
    for place in range(0, len(rows), 2):
        part = rows[place : place + 2]
        table.add(place, part, maps_of(part))
    table._release()
    damaged = sorted(table.parts.glob("*.parquet"))[0]
    damaged.write_bytes(damaged.read_bytes()[:size])
    damaged_maps = sorted(maps.glob("parts/*.npz"))[1]
    damaged_maps.write_bytes(damaged_maps.read_bytes()[:size])
    assert set(read_sweep(path)["row"]) == {row.row for row in rows[2:]}
    table = SweepTable(path, maps)
    assert table.done == set()
    table.add(0, rows, maps_of(rows))
    table.close()
    assert pq.read_metadata(path).num_rows == len(read_maps(maps)) == len(rows)


def test_maps_that_were_gathered_before_the_end_came_are_not_there_twice(tmp_path, rows, monkeypatch):
    monkeypatch.setattr(sweep_maps, "SHARD", 3)
    maps = tmp_path / "maps"
    table = SweepTable(tmp_path / "a.parquet", maps)
    table.add(0, rows, maps_of(rows))
    with monkeypatch.context() as cut:
        for room in (sweep_table, sweep_maps):
            cut.setattr(room, "remove_parts", lambda *args: None)
        table.close()
    (maps / "shard-00000.npz.0.partial").write_bytes(b"half")
    SweepTable(tmp_path / "a.parquet", maps).close()
    assert sorted(one.name for one in maps.iterdir()) == ["shard-00000.npz", "shard-00001.npz"]
    assert sum(len(np.load(one).files) for one in maps.iterdir()) == len(rows)


def test_reading_while_the_parts_are_put_together_misses_nothing(tmp_path, rows, monkeypatch):
    path = tmp_path / "a.parquet"
    table = SweepTable(path)
    table.add(0, rows)
    real, calls = sweep_table.read_parts, []

    def slow(*args):
        found = real(*args)
        calls.append(args)
        if len(calls) == 1:
            # Listed before, read after.
            monkeypatch.setattr(sweep_table, "read_parts", real)
            table.close()
            monkeypatch.setattr(sweep_table, "read_parts", slow)
            return iter(())
        return found

    monkeypatch.setattr(sweep_table, "read_parts", slow)
    assert len(read_sweep(path)) == len(rows)
    assert len(calls) == 2


@pytest.mark.parametrize("place", ["out", "maps"])
def test_a_place_that_cannot_be_written_is_one_true_sentence(tmp_path, place):
    closed = Path("/proc") / "closed"
    path, maps = (closed / "a.parquet", None) if place == "out" else (tmp_path / "a.parquet", closed)
    with pytest.raises(TableError, match=f"'{(maps or path).name}' cannot be written"):
        SweepTable(path, maps)
    if maps:
        SweepTable(path).close()


def test_thousands_of_problems_are_not_written_anew_for_each(tmp_path, monkeypatch):
    written = []
    real = sweep_table.write_whole
    monkeypatch.setattr(sweep_table, "write_whole", lambda path, data: written.append(len(data)) or real(path, data))
    table = SweepTable(tmp_path / "a.parquet")
    for place in range(1000):
        table.problem(Problem(f"{place}.png", "", "", "", "gone"))
    table.close()
    assert len(pd.read_csv(table.side_table)) == 1000
    assert len(written) < 20


@pytest.mark.parametrize("taken", [1, 2])
def test_rows_that_somebody_takes_away_meanwhile_are_missed(tmp_path, rows, taken):
    path = tmp_path / "deep" / "a.parquet"
    table = SweepTable(path)
    for place, row in enumerate(rows[:2]):
        table.add(place, [row])
    for part in sorted(table.parts.iterdir())[:taken]:
        part.unlink()
    with pytest.raises(TableError, match=f"expected 2 rows in 'a.parquet', {taken} of them were taken away"):
        table.close()
    table = SweepTable(path)
    for place, row in enumerate(rows[:2]):
        table.add(place, [row])
    table.close()
    assert len(read_sweep(path)) == 2
