#!/bin/sh
# Starts what every box runs beside the gateway, then the agent, which does what the test asks for.
# hci0 is the second serial port; at its other end stands a controller in the test's own process.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
export PYTHONPATH=/egret:/site PYTHONFAULTHANDLER=1
inside=/egret/virtual_radio/guest/inside
mkdir -p /run/dbus /dev/pts
mount -t devpts devpts /dev/pts
hostname egret
dbus-daemon --system --fork
/bin/sh $inside/attach.sh
/bin/sh $inside/bluetoothd.sh
exec python3 $inside/../agent.py
