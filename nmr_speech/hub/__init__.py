"""Models from elsewhere: files fetched, tensors loaded, YAML read as plain data, nothing executed."""
