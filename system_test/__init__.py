"""Whole boxes: crashes, power cuts, brokers, browsers; every program is a process of its own."""
