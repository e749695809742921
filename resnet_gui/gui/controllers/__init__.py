"""What happens when a view asks: controllers connect views with workers."""
