"""Time and memory of the detection figures."""

from benchmarks.common import load, table


def detection_table():
    """Tabulate them beside SpeechBrain's."""
    rows = []
    for row in load("detection")["rows"]:
        figure = row["figure"] if row["figure"].startswith("SpeechBrain") else f"`{row['figure']}`"
        value = row["value"] / 0.01 if row["figure"] == "SpeechBrain minDCF" else row["value"]
        rows.append([figure, f"{row['trials']:,}", f"{value:.5f}", f"{row['seconds']:.3g}", f"{row['mib']:.0f}"])
    columns = ["figure", "trials", "value", "seconds", "MiB beyond the scores"]
    return table(columns, rows, 2) + "\n\nSpeechBrain's minDCF is not normalised; its value is divided by 0.01 here."


BLOCKS = {"detection-table": detection_table}
