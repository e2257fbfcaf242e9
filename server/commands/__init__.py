"""What `python -m server` does beside running: each a program of its own that ends by itself."""
