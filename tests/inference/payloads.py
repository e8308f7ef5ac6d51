"""Descriptions of models that make HyperPyYAML run a command; also a script that reads them in a fresh process."""

import random
import re
import sys
from pathlib import Path
from types import ModuleType

if __name__ == "__main__":
    # What the list holds matters here, not the classes, and their import would take most of the time of the process.
    allow_list = ModuleType("nmr_speech.hub.allow_list")
    allow_list.MENTIONED, allow_list.current_name = set(sys.argv[2].split(",")), str
    sys.modules[allow_list.__name__] = allow_list

from nmr_speech.checks import InputError
from nmr_speech.hub.safe_yaml import read_nodes

YAML = """
residues: [GLY, VAL]
calibration: {temperature: 2.0}
frontend:
    module: !new:nmr_speech.models.frontends.QuadratureFrontEnd
        learning_rate_scale: 0.01
backbone:
    embedding_size: 12
    module: !new:speechbrain.lobes.models.ECAPA_TDNN.ECAPA_TDNN
        input_size: 80
        channels: [8, 8, 8, 8, 8]
        kernel_sizes: [5, 3, 3, 3, 1]
        dilations: [1, 2, 3, 4, 1]
        attention_channels: 8
        se_channels: 8
        res2net_scale: 4
        lin_neurons: 12
classifier:
    module: !new:nmr_speech.models.heads.LinearHead {in_features: 12, out_features: 2}
"""


TRAINING = """
# yamllint disable
data_folder: data
__evil: !apply:os.system [touch executed]
residues: [GLY, SER, VAL]
held_out_residues: [SER]
condition: d2o
experiment: {field_mhz: 500.0, mixing_time_s: 0.08}
augmentation: {white_noise: {snr: [20, 100]}}
""" + YAML[YAML.index("frontend:") : YAML.index("classifier:")]


def payloads(marker):
    """Ways in which SpeechBrain's loader is made to run a command, or to hang."""
    command = f"!!python/object/apply:os.system [touch {marker}]"
    return {
        "apply": f"x: !apply:os.system [touch {marker}]",
        "python object": f"x: {command}",
        "new": f"x: !new:subprocess.Popen\n    args: [touch, {marker}]",
        "applyref": f"x: !applyref:os.system\n    - touch {marker}",
        "plain text in brackets": f"x: ({command})",
        "quoted text in brackets": f"x: '({command})'",
        "tuple": f"x: !tuple ({command})",
        "include": f"x: !include:{marker}.yaml",
        "module": "x: !module:antigravity",
        "arithmetic without end": "a: 9\nx: !ref <a>**<a>**<a>",
        "key": f"? !apply:os.system [touch {marker}]\n: 1",
        "anchor": f"a: &q !apply:os.system [touch {marker}]\nb: *q",
        "joined text": "a: '(!!python/object/apply:os.system '\nx: !ref <a>[true])",
        "name": "x: !name:os.system",
        "tag directive": f"%TAG ! tag:yaml.org,2002:python/object/apply:os.\n---\nx: !system [touch {marker}]",
        "verbatim tag": f"x: !<!apply:os.system> [touch {marker}]",
        "merge": f"x: {{<<: !apply:os.system [touch {marker}]}}",
    }


def refuse_all(folder):
    marker, path = folder / "executed", folder / "hyperparams.yaml"
    Path(f"{marker}.yaml").write_text(f"y: !apply:os.system [touch {marker}]")
    for yaml in payloads(marker).values():
        path.write_text(yaml + "\n")
        reason = "none"
        try:
            read_nodes(path, published=True)
        except InputError as error:
            reason = str(error)
        assert re.search("is not on the list|stands twice", reason), (reason, yaml)
    assert not marker.exists()


def refuse_or_read_all(folder):
    """Five hundred bundles with pieces of payloads put in anywhere: each is refused, or says what a bundle may say."""
    draw, marker = random.Random(0), folder / "executed"
    pieces = [
        *payloads(marker).values(), "!apply:os.getpid []", "!new:os.getpid", "!!python/name:os.getpid ''", "(", "&a",
        "[", "*frontend", "!ref <x>", "<<: {}", "}", ": ", "\n", "\n  ", "%TAG ! !new:\n---\n", "!", "!!", "1e309",
        "\0", "- ",
    ]  # fmt: skip
    path, refused = folder / "hyperparams.yaml", 0
    for _ in range(500):
        text = YAML
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice(pieces) + text[at + draw.choice([0, 0, 1, 5]) :]
        path.write_text(text)
        try:
            nodes = read_nodes(path, published=True)
        except InputError:
            refused += 1
        else:
            assert "!" not in str(nodes).replace("!new:nmr_speech.", "").replace("!new:speechbrain.", "")
    assert refused > 250
    assert not marker.exists()


if __name__ == "__main__":
    refuse_all(Path(sys.argv[1]))
    refuse_or_read_all(Path(sys.argv[1]))
    assert "torch" not in sys.modules
