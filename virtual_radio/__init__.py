"""A virtual Bluetooth LE radio for tests: controllers, links and hosts with no hardware.

A pytest plugin and a library; knows nothing of the gateway or of its Bluetooth service. Start with
`virtual_radio.radio.Radio`, or with the fixtures of `virtual_radio.plugin`.
"""
