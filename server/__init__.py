"""The gateway: it polls devices, keeps every reading and delivers it signed."""

__version__ = "0.1.0"
