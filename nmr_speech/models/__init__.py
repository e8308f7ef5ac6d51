"""Front ends, embedding models and heads: from waveforms to embeddings and logits."""
