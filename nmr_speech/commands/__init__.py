"""What the commands of ``nmr-speech`` do: each is a few calls of the library, which it imports when it runs."""
