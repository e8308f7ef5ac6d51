"""Hold the simulator against what others measured and computed; write the deviations down and draw some.

> python -m benchmarks.validation.run

`nmr_speech.testing` compares the spectra. Amino acids are simulated as `load_residue(..., "d2o",
shift_source="free")`; only the comparison with GISSMO's line lists takes GISSMO's own spin systems.
"""

import dataclasses

import numpy as np
import torch
from matplotlib.figure import Figure

from benchmarks.common import load, once, results_path
from nmr_speech.simulate import load_residue
from nmr_speech.testing import maps, published

LISTED = ("ALA", "ASN", "ASP", "GLN", "GLY", "LYS", "PHE", "SER", "VAL")
MEASURED = ("ALA", "ASN", "ASP", "GLN", "GLY", "LYS", "PHE", "PRO", "SER", "VAL")
FIELDS_MHZ = (80.0, 600.0, 1300.0)
DRAWN = {  # residue: groups of each panel
    "VAL": (("HA",), ("HB",), ("MG1", "MG2")),
    "PHE": (("HA",), ("HB2", "HB3"), ("HD1", "HE1", "HZ")),
    "PRO": (("HD2", "HD3"), ("HB2",), ("HB3", "HG2", "HG3")),
    "LYS": (("HB2", "HB3"), ("HD2", "HD3"), ("HG2", "HG3")),
}
MEASURED_COLOUR, SIMULATED_COLOUR = "#222222", "#1668ad"


def main():
    """Compare, write and draw."""
    torch.set_num_threads(1)
    once(results_path("validation"), compare_all)
    found = load("validation")["experiment"]
    draw({residue: found[residue]["line_width_hz"] for residue in DRAWN})


def compare_all():
    """Deviations from experiments, from GISSMO's line lists, and from the TOCSY of valine."""
    return {
        "experiment": {residue: with_experiment(residue) for residue in MEASURED},
        "gissmo_fields_mhz": FIELDS_MHZ,
        "gissmo": {residue: with_gissmo(residue) for residue in LISTED},
        "valine_tocsy": with_valine(),
    }


def with_experiment(residue):
    """Deviations from one experimental spectrum; one common offset is set aside, and written down."""
    found = published.compare_with_experiment(residue, free(residue))
    lines = found["deviations_hz"]
    rms_hz, offset_hz = published.rms_and_offset(np.concatenate(list(lines.values())))
    row = {
        "field_mhz": round(published.experiment(residue).field_mhz, 2),
        "line_width_hz": found["line_width_hz"],
        "correlation": round(float(found["correlation"]), 4),
        "lines": sum(len(off) for off in lines.values()),
        "offset_hz": round(float(offset_hz), 3),
        "rms_hz": round(float(rms_hz), 3),
        "largest_hz": round(max(float(np.abs(off - offset_hz).max()) for off in lines.values()), 3),
        "multiplets": {
            name: {"lines": len(off), "rms_hz": round(float(np.sqrt(np.mean((off - offset_hz) ** 2))), 3)}
            for name, off in lines.items()
        },
    }
    row["rms_with_other_couplings_hz"] = with_other_couplings(residue)
    print(residue, row)
    return row


def with_other_couplings(residue):
    """Say the same for the couplings of source protein, and for GISSMO's own shifts and couplings."""
    molecule = free(residue)
    system, shifts = published.gissmo_system(residue)
    others = {
        "protein": dataclasses.replace(molecule, system=load_residue(residue, "d2o").system),
        "gissmo": dataclasses.replace(
            molecule, system=system, shift_mean_ppm=np.array([shifts[name] for name in system.names])
        ),
    }
    found = {}
    for name, other in others.items():
        lines = published.compare_with_experiment(residue, other)["deviations_hz"]
        found[name] = round(float(published.rms_and_offset(np.concatenate(list(lines.values())))[0]), 3)
    return found


def with_gissmo(residue):
    """Deviations from GISSMO's line lists of one residue at all fields."""
    found = published.compare_with_gissmo(residue, FIELDS_MHZ)
    every = np.concatenate(list(found["deviations_hz"].values()))
    names = {name for _, name in found["deviations_hz"]}
    by_name = {
        name: np.concatenate([off for (_, other), off in found["deviations_hz"].items() if other == name])
        for name in sorted(names)
    }
    row = {"line_width_hz": found["line_width_hz"]} | summary(every)
    row["multiplets"] = {name: summary(off) for name, off in by_name.items()}
    print(residue, row)
    return row


def summary(off):
    """Count, median, 90th percentile and maximum of distances."""
    median, p90, largest = np.quantile(off, (0.5, 0.9, 1)).tolist()
    return {
        "lines": len(off),
        "median_hz": round(median, 3),
        "p90_hz": round(p90, 3),
        "largest_hz": round(largest, 3),
    }


def with_valine():
    """Place every simulated cross peak of valine beside the experimental one."""
    rows = [
        {
            "f1": row["groups"][0],
            "f2": row["groups"][1],
            "simulated_ppm": row["ppm"].round(3).tolist(),
            "off_ppm": row["off_ppm"].round(3).tolist(),
        }
        for row in maps.cross_peaks(free("VAL"), maps.measured_valine_tocsy())
    ]
    print("valine TOCSY", rows)
    return rows


def free(residue):
    """Load a free amino acid."""
    return load_residue(residue, "d2o", shift_source="free")


def draw(line_width_hz):
    """Draw experiment above and simulation below the axis, multiplet by multiplet."""
    figure = Figure(figsize=(9.2, 8.2), layout="constrained")
    rows = figure.subfigures(len(DRAWN), 1, hspace=0.03)
    for number, (part, (residue, panels)) in enumerate(zip(rows, DRAWN.items(), strict=True)):
        measured, molecule = published.experiment(residue), free(residue)
        shifts = dict(zip(molecule.system.names, molecule.shift_mean_ppm, strict=True))
        simulated = published.Simulation(molecule.system, shifts, measured.field_mhz).spectrum(line_width_hz[residue])
        part.suptitle(f"{residue}, {measured.field_mhz:.0f} MHz", x=0.01, ha="left", fontsize=12, fontweight="bold")
        for axes, groups in zip(part.subplots(1, len(panels)), panels, strict=True):
            margin = 27 / measured.field_mhz
            region = (min(shifts[g] for g in groups) - margin, max(shifts[g] for g in groups) + margin)
            multiplet(axes, measured.between(*region), simulated.between(*region))
            axes.set_title(" ".join(groups), fontsize=10)
            axes.set_xlim(*region[::-1])
            if number == len(DRAWN) - 1:
                axes.set_xlabel("chemical shift / ppm", fontsize=10)
    rows[0].text(0.84, 0.985, "up: measured", color=MEASURED_COLOUR, ha="right", va="top", fontsize=11)
    rows[0].text(0.99, 0.985, "down: simulated", color=SIMULATED_COLOUR, ha="right", va="top", fontsize=11)
    figure.savefig(results_path("validation").with_name("validation.png"), dpi=130)


def multiplet(axes, measured, simulated):
    """Draw one multiplet, both with the same area."""
    for spectrum, sign, colour in ((measured, 1, MEASURED_COLOUR), (simulated, -1, SIMULATED_COLOUR)):
        y = spectrum.intensity - np.quantile(spectrum.intensity, 0.02)
        y = sign * y / np.trapezoid(y, spectrum.ppm)
        axes.plot(spectrum.ppm, y, color=colour, linewidth=1.2)
    axes.axhline(0, color="#999999", linewidth=0.6)
    height = 1.12 * max(abs(bound) for bound in axes.dataLim.intervaly)
    axes.set_ylim(-height, height)
    axes.set_yticks([])
    axes.locator_params(axis="x", nbins=4)
    axes.tick_params(labelsize=9)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)


if __name__ == "__main__":
    main()
