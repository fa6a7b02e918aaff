"""The index: a card for each study, and all claims in one table."""

from html import escape
from urllib.parse import urlencode

import streamlit as st

from app.export.names import stem
from app.figures.studies import miniature
from app.parts.take_files import File, buttons, popover
from app.studies.claims import VERDICT_HELP, badge, draw_table
from app.studies.files import claims_csv
from app.studies.known import Known, title_of
from app.studies.lines import series_of

CSS = """
<style>
.studies {display:grid; grid-template-columns:repeat(auto-fill, minmax(250px, 1fr)); gap:14px}
.studies a {display:flex; flex-direction:column; gap:4px; color:inherit; text-decoration:none; font-size:.875rem;
  border:1px solid rgba(128,128,128,.35); border-radius:8px; padding:12px}
.studies a:hover strong, .studies a:focus strong {text-decoration:underline}
.studies img {width:100%; height:76px}
.studies .blank {height:76px; display:flex; align-items:center; opacity:.8}
.studies .verdicts {margin-top:auto; opacity:.9}
</style>
"""
CARD = (
    '<a href="{address}"><strong>{title}</strong><span>{figure}</span>{picture}<span>{question}</span>'
    '<span class="verdicts">{verdicts}</span></a>'
)
TABLE_HELP = "Every claim of every study: what the paper says, its number, ours with its interval, and the verdict."


def draw_index(all_known: list[Known]) -> None:
    """Cards, then the table of all claims."""
    found = [finding for one in all_known for finding in one.findings]
    words = [finding.verdict.word for finding in found]
    total = " ".join(badge(word, words.count(word)) for word in dict.fromkeys(sorted(words)))
    st.markdown(f"{len(found)} claims of {len(all_known)} studies: {total}", help=VERDICT_HELP)
    st.html(f'{CSS}<div class="studies">{"".join(map(card, all_known))}</div>')
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.markdown("**All claims**", help=TABLE_HELP)
        with popover("studies_claims"):
            buttons([File("csv", f"{stem('claims')}.csv", lambda: claims_csv(found))], "studies_claims")
    draw_table(found)


def card(one: Known) -> str:
    """The link to a study, with its result in small."""
    axis = one.axes[0] if one.axes else None
    drawn = miniature(series_of(one, axis.quantity), axis.logarithmic) if axis else ""
    blank = f"needs {title_of(one.lacking[0])}" if one.lacking else "nothing is computed yet"
    verdicts = ", ".join(f"{word}: {count}" for word, count in one.counts.items())
    return CARD.format(
        address=escape(f"studies?{urlencode({'study': one.study.name})}"),
        title=escape(one.study.title),
        figure=escape(one.study.figure),
        picture=f'<img src="{drawn}" alt="">' if drawn else f'<span class="blank">{escape(blank)}</span>',
        question=escape(one.study.question),
        verdicts=escape(verdicts),
    )
