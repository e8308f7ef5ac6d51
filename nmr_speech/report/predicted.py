"""A picture of predicted shifts: the 15N HSQC that they let expect."""

from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from nmr_speech.checks import InputError
from nmr_speech.report.spectra import DPI
from nmr_speech.shifts.predict import Prediction

MARGIN = 0.06  # of the range of the shifts, around them


def plot_hsqc(prediction: Prediction, title: str, path: str | Path) -> None:
    """Plot the peak of each residue's NH in a 15N HSQC, with an ellipse of one standard deviation.

    Arguments
    ---------
    prediction : Prediction
        As `nmr_speech.shifts.predict` returns it.
    title : str
        Above it.
    path : str | Path
        Picture to write.

    Raises
    ------
    InputError
        No residue has an NH.

    Example
    -------
    >>> from nmr_speech.shifts import predict
    >>> path = getfixture("tmp_path") / "hsqc.png"
    >>> plot_hsqc(predict("MQIFVK"), "MQIFVK", path)
    >>> path.read_bytes()[1:4]
    b'PNG'
    """
    # The NH3+ of the first residue exchanges too fast to be seen; proline has no NH.
    peaks = [
        (f"{letter}{number}", own["H"], own["N"])
        for number, (letter, own) in enumerate(zip(prediction.sequence, prediction.gaussians(), strict=True), start=1)
        if number > 1 and "H" in own
    ]
    if not peaks:
        raise InputError("the sequence has no NH that an HSQC would show; give a longer one")
    figure = Figure(figsize=(9, 8), layout="constrained")
    axes = figure.subplots()
    for name, (h, h_std), (n, n_std) in peaks:
        axes.add_patch(Ellipse((h, n), 2 * h_std, 2 * n_std, color="tab:blue", alpha=min(0.15, 1 / len(peaks)), lw=0))
        axes.plot(h, n, "o", color="black", markersize=3)
        axes.annotate(name, (h, n), xytext=(3, 2), textcoords="offset points", fontsize=7)
    of_h, of_n = [h for _, h, _ in peaks], [n for _, _, n in peaks]
    for values, limits in ((of_h, axes.set_xlim), (of_n, axes.set_ylim)):
        low = min(mean - std for mean, std in values)
        high = max(mean + std for mean, std in values)
        limits(high + MARGIN * (high - low), low - MARGIN * (high - low))  # spectra run from right to left
    axes.set_xlabel("1H (ppm)")
    axes.set_ylabel("15N (ppm)")
    axes.set_title(f"{title}; ellipses: one standard deviation", fontsize=10)
    figure.savefig(path, dpi=DPI)
