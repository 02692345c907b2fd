"""What the service costs beside a bare echo and beside other ways to serve the same model."""
