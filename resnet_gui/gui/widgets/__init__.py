"""General widgets, which do not depend on networks or datasets."""
