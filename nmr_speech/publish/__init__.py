"""Publishing on the Hugging Face Hub: bundle, card, upload."""
