# A disk that came over iSCSI has the name of its serial, and a name is only a link, which somebody or a late udev may have
# turned: the kernel says which disk it leads to. Any other path is taken for what it is.
same_disk() {
    case $1 in /dev/disk/by-id/wwn-0x*) ;; *) return 0 ;; esac
    kernel=$(readlink -f -- "$1")
    wwid=
    if [ -r "/sys/class/block/${kernel##*/}/device/wwid" ]; then read -r wwid <"/sys/class/block/${kernel##*/}/device/wwid"; fi
    [ "$wwid" = "naa.${1##*/wwn-0x}" ] ||
        vbs_refuse "$1 leads to $kernel, which is another disk${wwid:+, $wwid}: nothing was attached"
}

