"""The row of numbers below a map, each with its unit and a plain explanation."""

import math
from typing import cast

import streamlit as st

from app.figures.means import mean_words
from app.jobs.objects import foreground_gain, located
from app.parts.previews import preview_mean
from app.words import NOT_KNOWN, decimal, duration, near, number, passes, signed_known
from explainers import CIDResult
from explainers.cid.certainty import mean_uncertainty
from explainers.cid.constraint import holds
from explainers.cid.results import HEAVY_TAIL, LOSS_TOLERANCE, RUResult
from explainers.methods.network_input import NetworkInput

MEAN = (
    "Mean of the map, in nats per input variable. The higher, the more noise the pixels could bear before "
    "the feature noticed: the more of the picture this layer has discarded."
)
MEAN_RU = (
    "Mean of the map, in nats per value of a pixel, values from 0 to 1. The higher, the less can be recovered of the "
    "picture from this layer."
)
ERROR = "Root mean square error of the reconstruction of this picture without noise; pixel values from 0 to 1."
SHARE = (
    "The share of the squared error in this map that the decoder makes without any noise. Near 100 %, the map shows "
    "what the decoder cannot do rather than what the noise destroys."
)
GAIN = (
    "Mean entropy of the background minus mean entropy of the foreground, in nats. Above 0: the layer has "
    "kept more of the subject than of what surrounds it. Foreground here: the {}."
)
LOCATED = (
    "Of the pixels that the layer uses most, as many as the object has: the share that lies in the object. 1: all of "
    "them. A map that knows nothing of the object scores the object's share of the picture. Object here: the {}."
)
CONSTRAINT = (
    "How far noise of this strength really moves the feature, divided by how far it may (β δ²), measured on "
    "noise that had no part in the map's shape, ± its standard error. 1 means that the map is what it claims to be."
)
LOSS = (
    "How far the mean can lie below the highest one that the constraint allows, in nats: an estimate and two of its "
    "standard errors, from how unequally the cells use the constraint under noise that had no part in finding the map. "
    "Not known where that noise does not tell it: with most decoders, and where the constraint is not met."
)
PASSES = "How often the picture went through the network: forward passes + backward passes."
SECONDS = "Time spent computing this map on this machine."
SENSITIVITY = (
    "δ² = ‖J‖²: the squared sensitivity of the feature to the picture. It depends on the layer's scale; "
    "the map does not."
)
PREVIEW = (
    "A preview, ± how far the mean of the finished map may be away from it: an estimate from how well the constraint "
    "holds so far and how long the map has been refined. It is no proof: it was tried on networks that ship. How far "
    "the finished map's mean may itself lie below the highest one that the constraint allows is measured at the end."
)
UNBOUNDED = "Cells that the layer does not use at all: they could hold any noise. They are left out of the mean."


def preview_numbers(frame: CIDResult) -> None:
    """What there is to be said of a map that is not finished: little of it, and that only roughly."""
    kind, words = ("RU", MEAN_RU) if frame.reconstruction is not None else ("CID", MEAN)
    with st.container(horizontal=True, key="numbers"):
        st.metric(f"Mean {kind} so far (nats)", preview_mean(frame), help=f"{PREVIEW} {words}")
        st.metric("Time so far", duration(frame.seconds), help=SECONDS)


def numbers(result: CIDResult, network_input: NetworkInput) -> None:
    """Mean, concentration, constraint, sensitivity, passes and seconds of one finished map."""
    gain, foreground = foreground_gain(result, network_input)
    why = GAIN.format(foreground) if gain is not None else f"Not available here. {foreground}"
    with st.container(horizontal=True, key="numbers"):
        if result.reconstruction is not None:
            st.metric("Mean RU (nats)", mean_words(result.numbers), help=MEAN_RU)
            recovered = cast(RUResult, result)
            st.metric("Decoder's error (of 1)", decimal(float(recovered.error[0])), help=ERROR)
            st.metric("Its own share", f"{float(recovered.decoder_share[0]):.1%}", help=SHARE)
        else:
            st.metric("Mean CID (nats)", mean_words(result.numbers), help=MEAN)
        st.metric("Concentration (nats)", signed_known(gain, mean_uncertainty(result.numbers)), help=why)
        share = None if gain is None else located(result, network_input)
        where = why if share is None else LOCATED.format(foreground)
        st.metric("Localisation (of 1)", decimal(share), help=where)
        if int(result.unbounded[0]):
            st.metric("Unbounded cells", f"{int(result.unbounded[0])}", help=UNBOUNDED)
        st.metric("Time", duration(result.seconds), help=SECONDS)
    # What a student need not know to read the map, and whoever relies on it does.
    with st.expander("How far to trust this map", key="trust"), st.container(horizontal=True, key="numbers_more"):
        st.metric("Constraint (1 where it holds)", constraint(result), help=CONSTRAINT)
        lost = most_lost(result)
        st.metric("Lost at most (nats)", NOT_KNOWN if math.isnan(lost) else decimal(lost), help=LOSS)
        st.metric("Sensitivity δ² (feature units²)", number(float(result.delta_f2[0])), help=SENSITIVITY)
        st.metric("Passes through the network", passes(result.forward_passes, result.backward_passes), help=PASSES)


def constraint(result: CIDResult) -> str:
    """The constraint that was reached with its standard error; a dash before it is measured."""
    return near(float(result.constraint[0]), float(result.constraint_error[0]))


def most_lost(result: CIDResult) -> float:
    """What the mean can lie below its maximum, in nats: the estimate and two errors; NaN before it is measured."""
    return float(result.loss[0] + 2 * result.loss_error[0])


def doubt(result: CIDResult) -> str:
    """Why a refined map is to be read with care, one sentence."""
    if float(result.largest_share[0]) > HEAVY_TAIL:
        return "One sample of the noise bears a large part of the constraint, so that its error is not to be trusted."
    if not bool(holds(result)[0]):
        return "The constraint is not met within its tolerance."
    if math.isnan(most_lost(result)):
        return "It is not known how near the mean is to its maximum."
    if most_lost(result) > LOSS_TOLERANCE:
        return f"Its mean may lie up to {decimal(most_lost(result))} nats below the maximum."
    return "Strong noise on pixels that it calls unused moves the feature."
