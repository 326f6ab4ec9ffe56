# What the scripts of an initiator share. A session is that of one target over one interface record of ours, which says
# as whom this host logs in; the host's own initiator name is left alone.
#
# `target`, `portals` (words), `lun`, `initiator`, `serial`, `device` as in the session's body.

# The interface record: one for each workspace's initiator name.
interface=${initiator#iqn.*.}
interface=${interface%%:*}

# Where open-iscsi keeps its records (Debian 12: /etc/iscsi; newer ones: /var/lib/iscsi).
records=/etc/iscsi
if [ -d /var/lib/iscsi/nodes ] || ! [ -d /etc/iscsi ]; then records=/var/lib/iscsi; fi

# What a killed login left of a record that was to be, with its secret. Not below `nodes`, where iscsiadm would take it for one.
record_new=$records/vbs.${id-}.new
forget_new_record() { if exists "$record_new"; then rm -f -- "$record_new"; fi; }

# Runs iscsiadm; what it prints is in $said, its status in $ended. It waits for a lock of its own by itself.
call() {
    ended=0
    said=$(iscsiadm "$@" 2>&1 8>&- 9>&- </dev/null) || ended=$?
}

# Runs iscsiadm, and ends the script where it fails in another way than with one of the statuses in $1.
must() {
    accepted=$1
    shift
    tries=0
    while :; do
        call "$@"
        case " 0 $accepted " in *" $ended "*) return 0 ;; esac
        # 6: its database was locked for too long. 18, 20, 29, 31, 33: the daemon was not to be had at once.
        case $ended in
            6 | 18 | 20 | 29 | 31 | 33) ;;
            *) break ;;
        esac
        tries=$((tries + 1))
        [ "$tries" -lt 6 ] || break
        sleep 1
    done
    case $ended in
        24) said="$said
the target refused the secret: is it the one that the export has?" ;;
        19) said="$said
the target does not exist there, or does not let $initiator in" ;;
    esac
    vbs_stop "$ended" "$said"
}

# The sessions of this target over our interface: numbers in $sessions, read from the kernel.
find_sessions() {
    sessions=
    for each in /sys/class/iscsi_session/session*; do
        [ -e "$each/targetname" ] || continue
        name=
        read -r name <"$each/targetname" || :
        if [ "$name" != "$target" ]; then continue; fi
        face=
        if [ -r "$each/ifacename" ]; then read -r face <"$each/ifacename" || :; fi
        # Another one's login to our target is not ours to end.
        if [ "$face" = "$interface" ]; then sessions="$sessions ${each##*/session}"; fi
    done
}

# The disks of session $1: names such as sdb in $disks.
find_disks() {
    disks=
    for each in /sys/class/iscsi_session/session"$1"/device/target*/*:*:*:*/block/*; do
        if [ -e "$each" ]; then disks="$disks ${each##*/}"; fi
    done
}

# $1 without its dashes, into $digits.
digits_of() {
    digits=$1
    while :; do
        case $digits in *-*) digits=${digits%%-*}${digits#*-} ;; *) break ;; esac
    done
}

# Whether the kernel has read of disk $1 how large it is and what its serial is.
is_read() {
    sectors=0
    read -r sectors 2>/dev/null <"/sys/block/$1/size" || :
    serial_of "/sys/block/$1"
    [ "$sectors" != 0 ] && [ -n "$told" ]
}

# LOGGED_IN or what else session $1 is, into $state.
read_state() {
    state=
    read -r state 2>/dev/null <"/sys/class/iscsi_session/session$1/state" || :
}

# Whether a process has a disk open, which is then in $opener. udev opens disks for a moment by itself.
is_open() {
    opener=$(find /proc/[0-9]*/fd -maxdepth 1 \( -lname "/dev/$1" -o -lname "/dev/$1[0-9]*" \) 2>/dev/null | head -n 1) || :
    opener=${opener#/proc/}
    opener=${opener%%/*}
    [ -n "$opener" ]
}

# Whether the kernel has given a disk up because its target does not answer or lets nobody in: what was not written by then
# has failed already.
is_cut_off() {
    state=
    read -r state 2>/dev/null <"/sys/block/$1/device/state" || :
    case $state in
        transport-offline | offline) return 0 ;;
    esac
    return 1
}

# Takes the disks of all our sessions to this target away, logs out, and forgets the records. Whoever uses a disk keeps it.
leave() {
    forget_new_record
    find_sessions
    for session in $sessions; do
        find_disks "$session"
        for disk in $disks; do
            for each in /sys/block/"$disk"/holders/* /sys/block/"$disk"/"$disk"*/holders/*; do
                if [ -e "$each" ]; then vbs_refuse "$disk ($device) is used by ${each##*/}: stop that first"; fi
            done
            patience=10
            while is_open "$disk"; do
                patience=$((patience - 1))
                [ "$patience" -gt 0 ] || vbs_refuse "$disk ($device) is open in the process $opener: stop that first"
                sleep 0.5
            done
            if grep -q "^/dev/$disk[0-9]* " /proc/mounts; then vbs_refuse "$disk ($device) is mounted: unmount it first"; fi
            blockdev --flushbufs "/dev/$disk" || is_cut_off "$disk" || vbs_stop 1 "/dev/$disk could not be flushed: it stays logged in"
        done
        for disk in $disks; do
            echo 1 >"/sys/block/$disk/device/delete" || :
            patience=100
            while [ -e "/sys/block/$disk" ]; do
                patience=$((patience - 1))
                [ "$patience" -gt 0 ] || vbs_stop 1 "$disk does not go: something still has it open"
                sleep 0.1
            done
        done
        # 2: it is gone already. 21: its record is; then the number is enough.
        must '2 21' -m node -T "$target" -I "$interface" --logout
        find_sessions
        case " $sessions " in *" $session "*) must '2 21' -m session -r "$session" --logout ;; esac
    done
    find_sessions
    [ -z "$sessions" ] || vbs_stop 1 "the session$sessions to $target is still there after the logout"
    if [ -d "$records/nodes/$target" ]; then
        must '21' -m node -T "$target" -I "$interface" -o delete
    fi
    leave_interface
}

# The interface record goes with the last login over it.
leave_interface() {
    # The record of a target is a file or a directory with one file for each interface.
    if grep -rqsF "iface.iscsi_ifacename = $interface" "$records/nodes"; then return 0; fi
    for each in /sys/class/iscsi_session/session*/ifacename; do
        face=
        if [ -r "$each" ]; then read -r face <"$each" || :; fi
        if [ "$face" = "$interface" ]; then return 0; fi
    done
    if [ -e "$records/ifaces/$interface" ]; then must '21' -m iface -I "$interface" -o delete; fi
}
