#!/bin/sh
# Gives the guest Wi-Fi: wlan1 becomes an access point with two networks in a network namespace of
# its own, wlan0 belongs to NetworkManager. Both are radios of the kernel's mac80211_hwsim.
set -e
inside=/egret/virtual_radio/guest/inside
ip netns add ap
phy=$(cat /sys/class/net/wlan1/phy80211/name)
iw phy "$phy" set netns name ap
in_ap="ip netns exec ap"
cp $inside/hostapd.conf /run/hostapd.conf
$in_ap hostapd -B -t -f /host/hostapd.log /run/hostapd.conf
$in_ap ip link set lo up
$in_ap ip addr add 10.42.1.1/24 dev wlan1
$in_ap ip addr add 10.42.2.1/24 dev wlan1b
# --no-ping: dnsmasq otherwise spends three seconds probing each address before it offers it.
$in_ap dnsmasq --port=0 --no-ping --bind-dynamic --dhcp-authoritative \
    --dhcp-leasefile=/run/leases --pid-file=/run/dnsmasq.pid --log-facility=/host/dnsmasq.log \
    --dhcp-range=set:new,10.42.1.10,10.42.1.50,10m --dhcp-range=set:home,10.42.2.10,10.42.2.50,10m
# No udev runs here; without its record of the interface NetworkManager never manages it.
mkdir -p /run/udev/data
echo I:1 >"/run/udev/data/n$(cat /sys/class/net/wlan0/ifindex)"
wpa_supplicant -u -t -O /run/wpa_supplicant -f /host/wpa_supplicant.log -B
NetworkManager --config=$inside/NetworkManager.conf -n >/host/NetworkManager.log 2>&1 &
echo $! >/run/NetworkManager.pid
for _ in $(seq 600); do
    # 30: disconnected, 50 and more: on its way to a network; less: not usable yet.
    nmcli -g GENERAL.STATE device show wlan0 2>/dev/null | grep -qE '^(30|[5-9][0-9]|100) ' && exit 0
    sleep 0.1
done
echo "wlan0 did not become usable" >&2
exit 1
