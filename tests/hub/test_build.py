"""Modules are built from plain arguments, without what commands do not need."""

import subprocess
import sys


def test_models_are_built_without_the_compiler_of_pytorch():
    """Whose import would take a second of every command that loads a model."""
    program = (
        "import sys\n"
        "from nmr_speech.hub.build import build\n"
        "from nmr_speech.models.frontends import QuadratureFrontEnd, SpectralFrontEnd\n"
        "from nmr_speech.reconstruction.modern import MoDern\n"
        "from speechbrain.lobes.models.ECAPA_TDNN import ECAPA_TDNN\n"
        "for make in (QuadratureFrontEnd, SpectralFrontEnd, MoDern, lambda: ECAPA_TDNN(80, channels=[8] * 5)):\n"
        "    build(make, {}, make().state_dict(), 'a model')\n"
        "print('torch._dynamo.convert_frame' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
