"""Texts of the cards, filled in by `nmr_speech.publish.card`."""

CITATION = """\
@article{yip_amino_acid_classification,
  title = {Amino Acid Classification in 2D NMR Spectra via Acoustic Signal Embeddings},
  author = {Yip, Jia Qi and Ng, Dianwen and Ma, Bin and Pervushin, Konstantin and Chng, Eng Siong}
}
@software{nmr_speech,
  title = {nmr_speech: amino acids as speakers},
  author = {{The nmr_speech authors}},
  version = {VERSION}
}"""

EXAMPLE = """
from huggingface_hub import hf_hub_download

example = hf_hub_download(repository, "example.wav", revision=revision)
log_probabilities, score, index, names = classifier.classify_file(example)
"""

MODEL = """\
# {name}

Classifies the amino acid in a 2D NMR spectrum (1H-1H TOCSY) by its "voice": the interferogram, transient after
transient, is four-channel audio for a speaker-embedding model from SpeechBrain. Front end `{frontend}`, embedding model
`{backbone}`, {parameters} parameters.

Classes: {labels}.

## Use

With the Python package nmr_speech ({version}):

```python
from nmr_speech.inference import AminoAcidClassifier

repository, revision = "{repository}", "main"
classifier = AminoAcidClassifier.from_hparams(repository, revision=revision)
{example}```

This loader never executes code from the repository. SpeechBrain's own `EncoderClassifier.from_hparams` loads it too, by
running `hyperparams.yaml`; it also needs nmr_speech. Audio must have 4 channels of 65,536 samples at 8 kHz, as
`nmr_speech.corpus.stack_fid` makes them from an FID.

## Results

Tested on {recordings} {kind} recordings that were not used for training{bearing}.

| | accuracy (95% interval) | macro F1 |
|---|---|---|
| this model | {network} | {f1:.3f} |{clean}
| linear classifier on the pooled spectrum, same recordings | {linear} | {linear_f1:.3f} |

{calibrated}

{per_class}

## Training data

{data}

{physics}
{nuisances}
Trained with seed {seed} by `recipes/AminoAcidTOCSY/SpeakerRec/train.py`, commit {commit}; all settings are in
`training.yaml`, all figures in `results.json`.

## Limits

- It assigns a class to any input of the right shape, also to other molecules, mixtures and noise. A high probability
  only compares the {n_labels} classes with one another.
- It classifies single amino acids, not peptides or proteins.
- {limit}
- The experiment must match the one above; other spectral widths, carriers, fields or mixing times are out of
  distribution.

## Citation

```bibtex
{citation}
```
"""

DATA = """\
# {name}

Simulated 2D NMR spectra (1H-1H TOCSY) of amino acids as four-channel audio for speech models: {n} recordings of
{n_labels} residues, {sizes}. Real and imaginary part of the cosine and the sine modulated interferogram, transient
after transient: 4 channels of 65,536 samples, called 8 kHz.

{labels}.

## Use

```python
from huggingface_hub import snapshot_download

repository, revision = "{repository}", "main"
folder = snapshot_download(repository, repo_type="dataset", revision=revision)
```

To train on it with nmr_speech, run its `recipes/AminoAcidTOCSY/SpeakerRec/train.py` with that folder as
`--data_folder` and with `--skip_prep=True`. In `train.csv`, `valid.csv` and `test.csv`, `$data_root` stands for that
folder; each subfolder holds at most 1,000 audio files.

## Physics

{physics}
{nuisances}
Each recording can be simulated again from seed, residue and index: `nmr-speech simulate RESIDUE --seed={seed}
--index=INDEX`, with these parameters. `dataset.json` holds all of them, and a hash of parameters, tables and simulator.
Chemical exchange and pulse imperfections are not simulated, and only the nuisances listed here are added.

## Citation

```bibtex
{citation}
```
"""
