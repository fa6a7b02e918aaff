"""The command `explorer`: starts the app of this installation from any folder."""

import sys
from pathlib import Path

MAIN = Path(__file__).with_name("main.py")


def command(arguments: list[str]) -> list[str]:
    """What Streamlit is called with: the app's file, whose folder holds the settings, then what the caller said.

    >>> [Path(word).name for word in command(["--server.port", "8600", "--", "--network", "mine.pt2"])]
    ['run', 'main.py', '--server.port', '8600', '--', '--network', 'mine.pt2']
    """
    return ["run", str(MAIN), *arguments]


def main() -> None:
    """Runs the server until it is stopped. Raises SystemExit, one sentence, where the app's packages are missing."""
    try:
        from streamlit.web import cli
    except ModuleNotFoundError:
        raise SystemExit(
            "expected the packages of the app, got the library alone; "
            "install it with pip install 'information-discarding-explorer[app]'"
        ) from None
    cli.main(command(sys.argv[1:]), prog_name="streamlit")
