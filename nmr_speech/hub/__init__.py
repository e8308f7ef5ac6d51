"""Models from other sources: files fetched, tensors loaded, YAML read as plain data, nothing executed."""
