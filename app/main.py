"""The explorer: the server's settings, page config and navigation, nothing else.

The server imports this file and finds `app`; for every visitor it runs it again as a script, which draws the page.
"""

import sys
from importlib import import_module

import streamlit as st

# By the room of each, in the order of the menu: title, icon and path.
PAGES = {
    "explore": ("Explore", "blur_on", ""),
    "compare": ("Compare", "compare", "compare"),
    "fairness": ("Rescaling test", "balance", "fairness"),
    "evaluate": ("Evaluate", "target", "evaluate"),
    "layers": ("Layers", "stacked_line_chart", "layers"),
    "studies": ("Studies", "science", "studies"),
    "flow": ("Information flow", "water", "flow"),
    "learn": ("Learn", "school", "learn"),
    "teach": ("Class", "groups", "class"),
    "glossary": ("Glossary", "menu_book", "glossary"),
    "about": ("About", "info", "about"),
}
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
        rooms = import_module("app.server.beforehand").BEFOREHAND.modules(MODULES)
        disk, lost, theme, touch, watch, ways = (
            import_module(f"app.parts.{name}") for name in ("disk", "lost", "theme", "touch", "watch", "ways")
        )
        history = import_module("app.address.history")
        bar = import_module("app.classroom.bar")
    pages = {
        name: st.Page(room.page, title=title, icon=f":material/{icon}:", url_path=path or None, default=not path)
        for room, (name, (title, icon, path)) in zip(rooms, PAGES.items(), strict=True)
    }
    ways.remember(explore=pages["explore"], learn=pages["learn"])
    shown = list(pages.values())
    chosen = st.navigation([*shown, *lost.pages(shown)], position="top")
    history.follow(chosen.url_path or "explore")
    bar.bar({page.url_path: page for page in shown}, chosen.url_path)
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
