"""The names of a grid's rows, which stay where they are while the maps are scrolled sideways."""

from collections.abc import Sequence
from html import escape

from app.figures.grid import BOTTOM, LEFT, TOP, height_rule, least_width, row_shares


def row_names(titles: Sequence[str], columns: int) -> str:
    """HTML that lies over the chart's own names where the page is too narrow for all columns, and nowhere else."""
    tall = f"calc({height_rule(len(titles), columns)} - {TOP + BOTTOM}px)"
    names = "".join(
        f'<b style="top:{upper:.2%}; height:{height:.2%}">{escape(title)}</b>'
        for title, (upper, height) in zip(titles, row_shares(len(titles)), strict=True)
    )
    style = f"""<style>
.st-key-grid_frame > :has(.row_names) {{position:sticky; left:0; z-index:1; width:0; height:0; pointer-events:none}}
.row_names {{display:none; position:absolute; top:{TOP - 4}px; width:{LEFT - 4}px; height:{tall};
  box-sizing:content-box; background:light-dark(#fcfcfa, #14191b); border-block:solid light-dark(#fcfcfa, #14191b);
  border-width:4px 0 {BOTTOM}px}}
.row_names b {{position:absolute; width:100%; display:flex; align-items:center; justify-content:center;
  writing-mode:vertical-rl; transform:rotate(180deg); font-size:13px; line-height:1.1; text-align:center}}
@container (max-width:{least_width(columns) - 1}px) {{.row_names {{display:block}}}}
</style>"""
    return f'{style}<div class="row_names" aria-hidden="true">{names}</div>'
