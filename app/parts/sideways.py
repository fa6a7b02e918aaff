"""A hint that a chart, which is scrolled sideways on a narrow page, goes on beyond an edge: it fades there."""

# For every page. The shade towards the end is gone at the end, that towards the start is there once one has scrolled;
# where a browser cannot tell, the first always shows and the second never does.
# The page as in .streamlit/config.toml, and the same seen through.
PAGE, CLEAR = "light-dark(#fcfcfa, #14191b)", "light-dark(#fcfcfa00, #14191b00)"
CSS = f"""
.st-key-grid_frame, .st-key-strip_frame {{overflow-x:auto; container-type:inline-size}}
:is(.st-key-grid_frame, .st-key-strip_frame) > :has(.more_beyond) {{
  position:sticky; left:0; z-index:1; width:0; height:0; pointer-events:none}}
.more_beyond {{display:none; position:absolute; top:0; width:100cqw}}
.more_beyond::before, .more_beyond::after {{content:""; position:absolute; width:36px; height:100%}}
.more_beyond::before {{left:var(--from); opacity:0; background:linear-gradient(to left, {CLEAR}, {PAGE})}}
.more_beyond::after {{right:0; background:linear-gradient(to right, {CLEAR}, {PAGE})}}
@supports (animation-timeline:scroll()) {{
  .more_beyond::before {{animation:more_before linear both; animation-timeline:scroll(nearest inline);
    animation-range:0 36px}}
  .more_beyond::after {{animation:more_after linear both; animation-timeline:scroll(nearest inline);
    animation-range:calc(100% - 36px) 100%}}
  @keyframes more_before {{from {{opacity:0}} to {{opacity:1}}}}
  @keyframes more_after {{from {{opacity:1}} to {{opacity:0}}}}
}}"""


def more_beyond(least: int, tall: str, left: int = 0) -> str:
    """HTML of both shades for a frame whose chart is never narrower than `least` pixels; `tall` is its height in CSS.

    What lies over the frame's first `left` pixels stays there.
    """
    narrow = f"<style>@container (max-width:{least - 1}px) {{div.more_beyond {{display:block}}}}</style>"
    return f'{narrow}<div class="more_beyond" aria-hidden="true" style="height:{tall}; --from:{left}px"></div>'
