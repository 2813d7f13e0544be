"""Training and measuring the detector's model: `collect` looks at labelled pages, `train` learns the weights."""
