"""Front ends, embedding models and what joins them: from waveforms to embeddings."""
