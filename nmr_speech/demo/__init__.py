"""A page in the browser that classifies what is simulated or uploaded."""
