"""What leaves the program for a user: printed text, and files that are tables or exports."""
