"""A phone for the command line, `python -m bluetooth.client`; box.py is for programs."""
