"""The classes that a published model may consist of, and those that its YAML file may name."""

from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN
from speechbrain.lobes.models.Xvector import Xvector
from torch import nn

from nmr_speech.models.cnn_tdnn import CnnTdnn
from nmr_speech.models.deep_picker import DeepPicker
from nmr_speech.models.frontends import ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd, SpectralFrontEnd
from nmr_speech.models.ge2e import GE2E
from nmr_speech.models.heads import LinearHead, MarginHead, MixtureHead

CLASSES: dict[str, type[nn.Module]] = {
    f"{cls.__module__}.{cls.__qualname__}": cls
    for cls in (
        *(ConvFrontEnd, MelFrontEnd, QuadratureFrontEnd, SpectralFrontEnd),
        *(ECAPA_TDNN, Xvector, CnnTdnn, DeepPicker, GE2E, LinearHead, MarginHead, MixtureHead),
    )
}
"""The classes that the loader builds, by full name. None of their constructors reads or writes anything."""

MODULES = "nmr_speech.inference.modules"
INTERFACE = ("Features", "Unchanged", "StreamEmbedding", "Posterior", "AudioCheck")
MENTIONED = {
    *CLASSES,
    *(f"{MODULES}.{name}" for name in INTERFACE),
    "speechbrain.dataio.encoder.CategoricalEncoder",
    "speechbrain.utils.parameter_transfer.Pretrainer",
}
"""The classes that a published file may name. Those not in `CLASSES` serve SpeechBrain's own loader only."""

OLD_MODULES = "nmr_speech.models.inference"
MOVED = {f"{OLD_MODULES}.{name}": f"{MODULES}.{name}" for name in INTERFACE if name != "AudioCheck"} | {
    f"{OLD_MODULES}.Recording": f"{MODULES}.AudioCheck"
}
"""Old names of classes, in bundles of earlier versions, and their present names."""


def current_name(name: str) -> str:
    """Return the present name of a class that was moved; any other name is returned unchanged.

    Example
    -------
    >>> current_name("nmr_speech.models.inference.Posterior")
    'nmr_speech.inference.modules.Posterior'
    >>> current_name("os.system")
    'os.system'
    """
    return MOVED.get(name, name)
