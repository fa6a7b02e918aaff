"""A folder of the user's own pictures."""

import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from torch.utils.data import Dataset

from explainers.datasets.pictures import EXTENSIONS, PictureError, open_picture

MAX_FILES = 10_000


@dataclass(frozen=True)
class FolderPicture:
    """`name` is the path below the folder, with forward slashes."""

    name: str
    path: Path

    def load(self, longest: int | None = None) -> Image.Image:
        """The picture as RGB. Raises PictureError, one sentence that begins with the name."""
        try:
            return open_picture(self.path, longest=longest)
        except PictureError as error:
            raise PictureError(f"{self.name}: {error}") from None


class ImageFolder(Dataset[Image.Image]):
    """The pictures below `root`, sorted by name; item i is a PIL picture in RGB.

    Only files with an extension of `EXTENSIONS` count; hidden ones, and links that lead out of `root`, do
    not, and linked folders are not entered; `left_out` has the names of such links. At most `most` are listed.

    Raises ValueError where `root` is no folder; indexing raises PictureError for what cannot be read.
    """

    def __init__(self, root: str | Path, most: int = MAX_FILES):
        self.root = Path(root)
        if not self.root.is_dir():
            raise ValueError(f"expected a folder, got '{self.root.name}', which is none; check its spelling")
        self.pictures, self.left_out = _list(self.root, most)

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, index: int) -> Image.Image:
        return self.pictures[index].load()

    @property
    def names(self) -> tuple[str, ...]:
        """Of all pictures, in their order."""
        return tuple(picture.name for picture in self.pictures)

    def problems(self) -> tuple[str, ...]:
        """One sentence for each picture that cannot be read. Opens every one."""
        found: list[str] = []
        for picture in self.pictures:
            try:
                picture.load(longest=64)
            except PictureError as error:
                found.append(str(error))
        return tuple(found)


def _list(root: Path, most: int) -> tuple[tuple[FolderPicture, ...], tuple[str, ...]]:
    inside = root.resolve()
    found: list[FolderPicture] = []
    left_out: list[str] = []
    for folder, folders, files in os.walk(root, followlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        left_out += [_name(root, folder, name) for name in folders if (Path(folder) / name).is_symlink()]
        for name in sorted(files):
            path = Path(folder) / name
            if name.startswith(".") or path.suffix.lower() not in EXTENSIONS:
                continue
            # `is_file` also leaves out pipes and devices, which would block the reader.
            if path.resolve().is_relative_to(inside) and path.is_file():
                found.append(FolderPicture(_name(root, folder, name), path))
            elif path.is_symlink():
                left_out.append(_name(root, folder, name))
        if len(found) >= most:
            break
    return tuple(sorted(found, key=lambda picture: picture.name)[:most]), tuple(sorted(left_out))


def _name(root: Path, folder: str, name: str) -> str:
    return (Path(folder) / name).relative_to(root).as_posix()
