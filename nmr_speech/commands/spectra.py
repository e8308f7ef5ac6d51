"""Commands that begin with a measured spectrum: classify, identify, reconstruct, denoise, pick."""

import argparse
import json
from dataclasses import replace

from nmr_speech.checks import InputError, one_of, whole
from nmr_speech.commands.output import PICTURES, check_output, say
from nmr_speech.options import READING, by_options


def classify(options: argparse.Namespace) -> None:
    """Tell which residues are in a recording, WAV or FLAC, or in a measured spectrum: one, several or none.

    The spectrum is a Bruker or Varian folder, an NMRPipe or JEOL file, a processed spectrum (2rr, .ft2, .ucsf), or a
    ZIP archive of one of these.
    """
    from nmr_speech.inference import Reading, classify_spectrum, load_classifier, occlusion

    check_output(options.plot, PICTURES)
    check_output(options.explain, PICTURES)
    model = load_classifier(options.source, options.revision)
    reading = Reading(**{name: getattr(options, name) for name in (*READING, "schedule", "index_base", "method", "ph")})
    found = classify_spectrum(model, options.path, options.shift_ppm, reading)
    if options.plot:
        from nmr_speech.report.spectra import plot_classification

        surest = found.surest
        title = f"{options.path.name}: {found.headline()}"
        plot_classification(found.wav, found.axis, occlusion(model, found.wav, surest), title, options.plot)
    explained = {}
    if options.explain:
        from nmr_speech.report.explained import plot_explanation

        why = found.explain()
        plot_explanation(why, f"{options.path.name}: {found.headline()}", options.explain)
        explained = {"explanation": why.summary()}
    warnings = by_options(found.warnings, options.names)
    if options.json:
        print(json.dumps(found.summary() | explained | {"warnings": warnings, "steps": found.steps}, indent=1))
    else:
        say(*found.steps, *(f"warning: {warning}" for warning in warnings))
        print(*found.told(), sep="\n")


def identify(options: argparse.Namespace) -> None:
    """Rank the molecules of a gallery for a recording, WAV or FLAC, or for a measured spectrum.

    Galleries: amino_acids, molecules (1,157 more), or a CSV table of groups (molecule,group,n_protons,shift_ppm) beside
    a CSV table of couplings (molecule,group_a,group_b,j_hz). "None of these" is among the answers.
    """
    from nmr_speech.inference import Reading
    from nmr_speech.inference.gallery import load_gallery
    from nmr_speech.inference.identify import identify_spectrum
    from nmr_speech.inference.templates import cache_folder

    check_output(options.plot, PICTURES)
    top = whole("top", options.top, 1, 10**6)
    gallery = load_gallery(options.gallery, options.couplings)
    reading = Reading(**{name: getattr(options, name) for name in READING})
    found = identify_spectrum(options.path, gallery, options.shift_ppm, reading, cache_folder())
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction

        axis = found.acquisition.f2
        plot_reconstruction(found.spectra(), axis, axis, options.path.name, options.plot)
    told = found.summary(top)
    told["warnings"] = by_options(told["warnings"], options.names)
    if options.json:
        print(json.dumps(told, indent=1))
    else:
        say(*found.steps, *(f"warning: {warning}" for warning in told["warnings"]))
        print(f"none of these  {told['none_of_these']:.3f}")
        print(*(f"{row['id']}  {row['name']}  {row['probability']:.3f}" for row in told["ranking"]), sep="\n")


def reconstruct(options: argparse.Namespace) -> None:
    """Fill in the transients that a schedule left out of a Bruker or Varian folder, or an NMRPipe or JEOL file.

    On a fully sampled experiment, or on its NMRPipe or Sparky spectrum, try schedules instead. 3D experiments are a
    Bruker folder or a series of NMRPipe planes.
    """
    from nmr_speech.spectrometer.cube_files import is_cube

    if is_cube(options.path):
        reconstruct_3d(options)
    else:
        reconstruct_2d(options)


def reconstruct_2d(options: argparse.Namespace) -> None:
    """Reconstruct a 2D experiment."""
    from nmr_speech.picking.compare import compare_picked
    from nmr_speech.reconstruction import own_schedule, read_schedule, run
    from nmr_speech.reconstruction.auto import any_method
    from nmr_speech.reconstruction.confidence import trust
    from nmr_speech.reconstruction.methods import STARTS
    from nmr_speech.reconstruction.spectrum_files import ENDINGS, write_spectrum
    from nmr_speech.spectrometer.phase import Phases

    check_output(options.out, ENDINGS)
    check_output(options.std, ENDINGS)
    check_output(options.plot, PICTURES)
    listed = options.schedule
    if listed is None and options.rate is None:
        listed = own_schedule(options.path)
    schedule, found = (None, "drawn") if listed is None else read_schedule(listed, options.index_base)
    names = ("rate", "n_schedules", "seed", "reference", "region_ppm", "n_transients", "quadrature", "pdata")
    settings = {name: getattr(options, name) for name in names}
    method = any_method(options.method, options.model, options.echo)
    phases = Phases(options.phase_f1_deg, options.phase_f2_deg, STARTS[options.echo])
    settings |= {"phases": phases, "with_std": options.std is not None}
    result = run.reconstruct(options.path, method, schedule=schedule, **settings)
    for path, one in ((options.out, result.spectra[0]), (options.std, result.std)):
        if path is not None and one is not None:
            write_spectrum(path, one, result.plane.f1, result.plane.f2, result.cosines, result.whole)
    if result.reference is not None:
        axes = result.plane.f1, result.plane.f2
        picked = [compare_picked(one, result.reference, axes) for one in result.spectra]
        result = replace(result, figures=[{**a, **b} for a, b in zip(result.figures, picked, strict=True)])
    if options.plot:
        from nmr_speech.report.spectra import plot_reconstruction

        spectra = {} if result.reference is None else {"fully sampled": result.reference}
        spectra[options.method] = result.spectra[0]
        plot_reconstruction(spectra, result.plane.f1, result.plane.f2, options.path.name, options.plot)
    warnings = by_options(result.warnings, options.names)
    if options.json:
        told = {"method": options.method, "schedule": found, "warnings": warnings}
        print(json.dumps(result.summary() | told, indent=1))
    else:
        say(*result.steps, *(f"warning: {warning}" for warning in warnings))
        print(f"Schedule: {found}", f"{options.method}: {result.seconds[0]:.2f} s", sep="\n")
        figures = run.describe(result.figures) if result.figures else ["no reference"]
        print(*figures, *trust(result.within_two_std), f"written: {options.out}", sep="\n")


def reconstruct_3d(options: argparse.Namespace) -> None:
    """Reconstruct a 3D experiment."""
    from nmr_speech.reconstruction import own_schedule, read_schedule, run
    from nmr_speech.reconstruction.auto import any_method
    from nmr_speech.reconstruction.confidence import trust
    from nmr_speech.reconstruction.cube_run import reconstruct_cube
    from nmr_speech.reconstruction.methods import STARTS
    from nmr_speech.reconstruction.spectrum_files import check_cube_name, write_cube
    from nmr_speech.spectrometer.phase import Phases

    if options.reference is not None:
        raise InputError("a 3D experiment takes no `reference`: a complete one is its own, with `rate`; leave it out")
    for path in (options.out, options.std):
        check_output(path and check_cube_name(path), (".ft3", ".ucsf"))
    check_output(options.plot, PICTURES)
    listed = own_schedule(options.path) if options.schedule is None and options.rate is None else options.schedule
    schedule, found = (None, "drawn") if listed is None else read_schedule(listed, options.index_base)
    if schedule is not None and schedule.ndim == 2 and one_of("columns", options.columns, ("f2f1", "f1f2")) == "f2f1":
        schedule = schedule[:, ::-1]
    start = STARTS[options.echo]
    phases = Phases(options.phase_f1_deg, options.phase_f3_deg, start), Phases(options.phase_f2_deg, None, start)
    names = ("rate", "n_schedules", "seed", "region_ppm", "quadrature", "pdata")
    settings = {name: getattr(options, name) for name in names}
    settings |= {"grid": options.n_transients, "with_std": options.std is not None}
    method = any_method(options.method, options.model, options.echo, 2)
    result = reconstruct_cube(options.path, method, schedule=schedule, phases=phases, **settings)
    for path, one in ((options.out, result.spectrum), (options.std, result.std)):
        if path is not None and one is not None:
            write_cube(path, one, result.cube.axes)
    if options.plot:
        from nmr_speech.report.spectra import plot_projections

        spectra = {} if result.reference is None else {"fully sampled": result.reference}
        spectra[options.method] = result.spectrum
        plot_projections(spectra, result.cube.axes, options.path.name, options.plot)
    warnings = by_options(result.warnings, options.names)
    if options.json:
        told = {"method": options.method, "schedule": found, "warnings": warnings}
        print(json.dumps(result.summary() | told, indent=1))
        return
    say(*result.steps, *(f"warning: {warning}" for warning in warnings))
    print(f"Schedule: {found}", f"{options.method}: {result.seconds[0]:.2f} s", sep="\n")
    figures = run.describe(result.figures) if result.figures else ["no reference"]
    print(*figures, *trust(result.within_two_std), f"written: {options.out}", sep="\n")


def denoise(options: argparse.Namespace) -> None:
    """Take the noise out of a 1D spectrum, or of a 2D one along F2, in Bruker, Varian, NMRPipe or JEOL form.

    Written is what is left, complex and not phased in 1D. Peaks that cannot be seen in the input are called uncertain.
    """
    from nmr_speech.enhancement import run

    check_output(options.plot, PICTURES)
    result = run.denoise_file(options.path, options.out, options.model, run.Reading.of(options))
    if options.plot:
        from nmr_speech.report.denoised import plot_denoised

        plot_denoised(result, options.path.name, options.plot)
    warnings = by_options(result.warnings, options.names)
    if options.json:
        print(json.dumps(result.summary() | {"warnings": warnings}, indent=1))
    else:
        say(*result.steps, *(f"warning: {warning}" for warning in warnings))
        print(*result.told(), f"written: {options.out}", sep="\n")


def pick(options: argparse.Namespace) -> None:
    """List the peaks of a spectrum of one or two dimensions: shifts, heights, volumes, widths, probabilities.

    Positions, heights and widths are refined by a fit of Voigt lines. The tallest of the surest peaks are printed.
    """
    from nmr_speech.picking import run
    from nmr_speech.picking.tables import WRITERS

    check_output(options.out, tuple(WRITERS))
    check_output(options.plot, PICTURES)
    result = run.pick_file(options.path, options.out, options.method, options.threshold, options.split)
    if options.plot:
        from nmr_speech.report.picked import plot_peaks

        spectrum = result.spectrum
        plot_peaks(spectrum.values, spectrum.axes, result.peaks, options.path.name, options.plot)
    warnings = by_options(result.spectrum.warnings, options.names)
    if options.json:
        print(json.dumps(result.summary() | {"warnings": warnings}, indent=1))
    else:
        say(*result.spectrum.steps, *(f"warning: {warning}" for warning in warnings))
        print(*result.told(), f"written: {options.out}", sep="\n")
