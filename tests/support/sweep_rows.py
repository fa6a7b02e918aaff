"""Rows of a sweep with numbers that are easy to check."""

import io
from dataclasses import replace

import pyarrow.parquet as pq

from explainers.sweeps.row import Row, as_table


def rows(network: str = "resnet20-cifar10", layers: tuple[str, ...] = ("conv1", "fc"), birds: int = 3) -> list[Row]:
    """Means of −3 nats at the first layer and 1 more at each that follows, with every bird 0.1 more."""
    some = Row(
        row="", key="k", network=network, fingerprint=f"f-{network}", layer="", place=0, layers=len(layers), depth=0.0,
        method="cid", version=2, unit="nats", picture="", picture_sha256="p", label="bird", answer="bird", right=True,
        foreground="mask", beta=1.5e-4, grid=None, refine=False, solver="two-stage", probes=256, seed=0, mean=0.0,
        mean_error=0.0, concentration=0.5, constraint=1.0, constraint_error=0.0, loss=None, loss_error=None,
        unbounded=0, converged=True, forward_passes=1.0, backward_passes=1.0, seconds=0.1,
    )  # fmt: skip
    return [
        replace(
            some,
            row=f"{network} {layer} {bird}",
            layer=layer,
            place=place,
            depth=place / max(len(layers) - 1, 1),
            picture=f"bird/{bird}",
            mean=place - 3.0 + 0.1 * bird,
            concentration=0.5 - 0.1 * bird,
            right=bird != 1,
        )
        for place, layer in enumerate(layers)
        for bird in range(birds)
    ]


def parquet(*made: Row) -> bytes:
    """The rows as a sweep's table."""
    buffer = io.BytesIO()
    pq.write_table(as_table(made), buffer)
    return buffer.getvalue()
