"""What a run leaves behind: figures, tables, results.json and its provenance."""
