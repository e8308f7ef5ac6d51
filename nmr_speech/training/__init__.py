"""What a recipe script calls: hyperparameters, data sets, augmentation, checkpoints, loggers, transfer, baselines."""
