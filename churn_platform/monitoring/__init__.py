"""Whether the world has changed: drift by effect size, performance once labels mature, and the decision to retrain."""
