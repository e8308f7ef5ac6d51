"""From a source to a model, and from a recording to an answer: classify, verify, what lies outside the training."""
