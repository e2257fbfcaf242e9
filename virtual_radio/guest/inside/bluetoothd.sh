#!/bin/sh
# Starts bluetoothd; run again after the pid in /run/bluetoothd.pid was ended.
/usr/libexec/bluetooth/bluetoothd -n -f /egret/virtual_radio/guest/inside/bluetooth.conf \
    >>/host/bluetoothd.log 2>&1 &
echo $! >/run/bluetoothd.pid
