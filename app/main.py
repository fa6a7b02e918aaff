"""The explorer: the server's settings, page config and navigation, nothing else.

The server imports this file and finds `app`; for every visitor it runs it again as a script, which draws the page.
"""

import sys
from importlib import import_module

import streamlit as st

PAGES = (
    "explore", "compare", "fairness", "evaluate", "layers", "studies", "flow", "learn", "teach", "glossary", "about",
)  # fmt: skip
MODULES = tuple(f"app.{name}.page" for name in PAGES)


def draw() -> None:
    """The page that a visitor looks at."""
    look = import_module("app.parts.look")
    st.set_page_config(
        page_title="Information-discarding explorer",
        page_icon=look.icon(),
        layout="wide",
        initial_sidebar_state="auto",
    )
    look.legible()
    # The pages bring PyTorch, whose first import takes seconds: say so meanwhile.
    with st.spinner("Loading PyTorch; only a visit right after a start waits for it …"):
        modules = import_module("app.server.beforehand").BEFOREHAND.modules(MODULES)
        explore, compare, fairness, evaluate, layers, studies, flow, learn, teach, glossary, about = modules
        disk, lost, theme, touch, watch, ways = (
            import_module(f"app.parts.{name}") for name in ("disk", "lost", "theme", "touch", "watch", "ways")
        )
        history = import_module("app.address.history")
        bar = import_module("app.classroom.bar")
    start = st.Page(explore.page, title="Explore", icon=":material/blur_on:", default=True)
    lessons = st.Page(learn.page, title="Learn", icon=":material/school:", url_path="learn")
    ways.remember(explore=start, learn=lessons)
    pages = [
        start,
        st.Page(compare.page, title="Compare", icon=":material/compare:", url_path="compare"),
        st.Page(fairness.page, title="Rescaling test", icon=":material/balance:", url_path="fairness"),
        st.Page(evaluate.page, title="Evaluate", icon=":material/target:", url_path="evaluate"),
        st.Page(layers.page, title="Layers", icon=":material/stacked_line_chart:", url_path="layers"),
        st.Page(studies.page, title="Studies", icon=":material/science:", url_path="studies"),
        st.Page(flow.page, title="Information flow", icon=":material/water:", url_path="flow"),
        lessons,
        st.Page(teach.page, title="Class", icon=":material/groups:", url_path="class"),
        st.Page(glossary.page, title="Glossary", icon=":material/menu_book:", url_path="glossary"),
        st.Page(about.page, title="About", icon=":material/info:", url_path="about"),
    ]
    chosen = st.navigation([*pages, *lost.pages(pages)], position="top")
    history.follow(chosen.url_path or "explore")
    bar.bar({page.url_path: page for page in pages}, chosen.url_path)
    watch.forget()
    chosen.run()
    disk.notice()
    touch.touch()
    theme.follow()


if __name__ == "__main__":
    draw()
else:
    from app.server.added import check
    from app.server.apology import apologise
    from app.server.beforehand import BEFOREHAND
    from app.server.delivery import deliver_whole
    from app.server.gate import GATE
    from app.server.hardening import harden
    from app.server.polls import choose_nothing_by_polls, forget_pages_that_are_left
    from app.server.upkeep import upkeep

    check(sys.argv[1:])
    harden()
    deliver_whole()
    choose_nothing_by_polls()
    forget_pages_that_are_left()
    BEFOREHAND.begin(MODULES)
    app = st.App(__file__, middleware=GATE, lifespan=upkeep, on_script_error=apologise)
