#!/bin/sh
# Gives the guest its Bluetooth adapter; run again after the pid in /run/btattach.pid was ended.
btattach -B /dev/ttyS1 -S 3000000 -P h4 >>/host/btattach.log 2>&1 &
echo $! >/run/btattach.pid
