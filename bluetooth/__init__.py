"""The phone's door: a Bluetooth LE peripheral through which a phone configures the box.

A process of its own. It knows the gateway through its REST API only and imports nothing of it.
"""
