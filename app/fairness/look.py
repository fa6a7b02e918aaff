"""How the parts of the fairness page stand beside and below each other."""

import streamlit as st

CSS = """
<style>
.st-key-fair_controls {flex-wrap:wrap}
.st-key-fair_controls > div {flex:1 1 170px; min-width:150px}
.st-key-fair_controls > div:nth-child(n+3) {flex-basis:230px}
.st-key-fair_proof {flex-wrap:wrap}
.st-key-fair_proof > div {flex:1 1 190px; min-width:170px}
.st-key-fair_first [data-testid="stMetricValue"] {font-size:2.7rem; line-height:1.15}
.st-key-fair_first [data-testid="stMetric"] {margin-bottom:-.35rem}
.st-key-fair_maps {flex-wrap:wrap}
.st-key-fair_maps > div {flex:1 1 380px; min-width:320px; max-width:620px}
.st-key-fair_curves {flex-wrap:wrap}
.st-key-fair_curves > div {flex:1 1 420px; min-width:320px}
.st-key-fair_table {overflow-x:auto}
.st-key-fair_table table {min-width:640px; width:100%}
.st-key-fair_table td, .st-key-fair_table th {vertical-align:top}
</style>
"""


def apply() -> None:
    st.html(CSS)
