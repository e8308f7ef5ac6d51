"""The classes that a published model may be built of, and those that its file may name."""

from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector

from nmr_speech.models.deep_picker import DeepPicker
from nmr_speech.models.frontends import ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd
from nmr_speech.models.heads import LinearHead, MarginHead

CLASSES = {
    f"{cls.__module__}.{cls.__qualname__}": cls
    for cls in (ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd, ECAPA_TDNN, Xvector, DeepPicker, LinearHead, MarginHead)
}
"""What a model may be built of."""

MODULES = "nmr_speech.inference.modules"
MENTIONED = {
    *CLASSES,
    *(f"{MODULES}.{name}" for name in ("Features", "Unchanged", "StreamEmbedding", "Posterior", "Recording")),
    "speechbrain.dataio.encoder.CategoricalEncoder",
    "speechbrain.utils.parameter_transfer.Pretrainer",
}
"""What a published file may name; those beside `CLASSES` are for SpeechBrain's own loader, and are not built here."""

MOVED = {"nmr_speech.models.inference.": f"{MODULES}."}
"""Where classes lie that bundles of earlier versions name: the one place that knows of it."""


def current_name(name: str) -> str:
    """Return the present name of a class that an earlier version called otherwise; any other name unchanged.

    Example
    -------
    >>> current_name("nmr_speech.models.inference.Posterior")
    'nmr_speech.inference.modules.Posterior'
    """
    for old, new in MOVED.items():
        if name.startswith(old):
            return new + name.removeprefix(old)
    return name
