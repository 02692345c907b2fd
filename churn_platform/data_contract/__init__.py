"""What a landed month must look like beside the months before it."""
