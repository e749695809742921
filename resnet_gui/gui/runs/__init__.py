"""Earlier runs, as the window shows them."""
