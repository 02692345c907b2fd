"""What one month of a large operator costs, stage by stage, beside the floor of each."""
