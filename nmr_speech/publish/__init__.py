"""From a results folder to a repository on the Hugging Face Hub, and from there to a name for a recording."""
