"""A web page that classifies simulated or uploaded recordings."""
