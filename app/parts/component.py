"""Components of our own: scripts of `app/parts/own` that run in the page.

The server hands them out as files: scripts written into a page are forbidden by the policy of `app/server/gate.py`.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from streamlit.components import v2
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

FOLDER = Path(__file__).with_name("own")
_lock = threading.Lock()


def component(name: str, html: str | None = None, css: str | None = None) -> Callable[..., Any]:
    """The component whose script is `own/NAME.js`, to be called once or more on a page.

    The script's default export gets `data`, `parentElement`, `setStateValue` and `setTriggerValue`, and is called
    again whenever `data` change; what it returns is called when the component leaves the page. `html` and `css` are as
    trusted as the script: nothing of a visitor's belongs there.
    """
    title = f"explorer.{name}"
    made: list[Callable[..., Any]] = []

    def mount(**given: Any) -> Any:
        manager = get_bidi_component_manager()
        with _lock:
            if manager.get_component_asset_root(title) is None:
                parts = [ComponentConfig(name, FOLDER.name)]
                manager.register_from_manifest(ComponentManifest("explorer", "1", parts), FOLDER.parent)
            if not made:
                made.append(v2.component(title, html=html, css=css, js=f"{name}.js", isolate_styles=False))
        return made[0](**given)

    return mount
