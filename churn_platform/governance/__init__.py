"""What people need to trust a model: fairness over protected attributes, explanations, and a card per version."""
