"""The picture that shows a chemist why residues are said to be present."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nmr_speech.assignment.explain import AssignedPeak, Explanation

DPI = 150
MARGIN_PPM = 0.4


def plot_explanation(why: Explanation, title: str, path: str | Path) -> None:
    """Plot a spectrum with the assigned peaks of each residue, and beside it what no residue explains.

    Arguments
    ---------
    why : Explanation
        From `nmr_speech.assignment.explain.explain`.
    title : str
        Above all of it.
    path : str | Path
        Picture to write.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.assignment.explain import explain
    >>> from nmr_speech.simulate import Sample, tocsy
    >>> valine, path = Sample("d2o", "free").residue("VAL"), getfixture("tmp_path") / "why.png"
    >>> fid = tocsy(valine, valine.shift_mean_ppm, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> plot_explanation(explain(fid, Axis(), ["VAL"]), "valine", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    figure = Figure(figsize=(12.5, 6.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    levels = why.measured.max() * np.geomspace(0.01, 0.9, 11)
    ppm = why.axis.ppm()
    for axes, plane, name in (
        (left, why.measured, "measured, with the peaks of each residue"),
        (right, why.residual, f"what no residue explains: {1 - why.explained:.0%} of the energy"),
    ):
        if plane.max() > levels[0]:  # Matplotlib warns of levels that nothing reaches
            axes.contour(ppm, ppm, plane, levels, colors="0.35", linewidths=0.6)
        axes.plot(ppm, ppm, color="0.88", linewidth=0.6, zorder=0)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("F2, 1H (ppm)")
    left.set_ylabel("F1, 1H (ppm)")
    draw_assignment(left, why)
    shifts = [peak.f2_ppm for peak in why.peaks]
    low, high = min(shifts) - MARGIN_PPM, max(shifts) + MARGIN_PPM
    left.set(xlim=(high, low), ylim=(high, low))
    figure.suptitle(title, parse_math=False)
    figure.savefig(path, dpi=DPI)


def draw_assignment(axes: Axes, why: Explanation) -> None:
    """Draw the peaks of each residue in its colour, with a legend of amounts, on the axes of a spectrum.

    Arguments
    ---------
    axes : matplotlib.axes.Axes
        Where to draw.
    why : Explanation
        From `nmr_speech.assignment.explain.explain`.

    Example
    -------
    >>> from nmr_speech.axis import Axis
    >>> from nmr_speech.assignment.explain import explain
    >>> from nmr_speech.simulate import Sample, tocsy
    >>> glycine, axes = Sample("d2o", "free").residue("GLY"), Figure().subplots()
    >>> fid = tocsy(glycine, glycine.shift_mean_ppm, decay_time_t1_s=0.05, decay_time_t2_s=0.05)
    >>> draw_assignment(axes, explain(fid, Axis(), ["GLY"]))
    >>> axes.get_legend().get_texts()[0].get_text()
    'GLY, amount 1.00'
    """
    colours = colormaps["tab10"]
    for k, (residue, amount) in enumerate(why.amounts.items()):
        peaks = [peak for peak in why.peaks if peak.residue == residue]
        _mark(axes, peaks, colours(k % 10), f"{residue}, amount {amount:.2f}")
    axes.legend(loc="lower right", fontsize=9, framealpha=0.9)


def _mark(axes: Axes, peaks: list[AssignedPeak], colour: tuple, label: str) -> None:
    """Ring the peaks that were found, cross those that were not, and name the groups along the diagonal."""
    for found, marker, name in ((True, "o", label), (False, "x", None)):
        chosen = [peak for peak in peaks if peak.found == found]
        if not chosen:
            continue
        style = {"facecolors": "none", "edgecolors": [colour]} if found else {"c": [colour]}
        places = [peak.f2_ppm for peak in chosen], [peak.f1_ppm for peak in chosen]
        axes.scatter(*places, s=60, marker=marker, linewidths=1.3, label=name, zorder=3, **style)
    on_diagonal = sorted(
        (peak for peak in peaks if peak.group_f1 == peak.group_f2), key=lambda peak: peak.f2_ppm, reverse=True
    )
    for group in _close(on_diagonal):
        text = "/".join(peak.group_f2 for peak in group)
        axes.annotate(
            f"{group[0].residue} {text}",
            (group[0].f2_ppm, group[0].f1_ppm),
            xytext=(7, 7),
            textcoords="offset points",
            fontsize=7,
            color=colour,
            annotation_clip=True,
        )


def _close(peaks: list[AssignedPeak], within_ppm: float = 0.15) -> list[list[AssignedPeak]]:
    """Join peaks whose names would lie on one another."""
    groups: list[list[AssignedPeak]] = []
    for peak in peaks:
        if groups and groups[-1][-1].f2_ppm - peak.f2_ppm < within_ppm:
            groups[-1].append(peak)
        else:
            groups.append([peak])
    return groups
