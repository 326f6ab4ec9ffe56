# Reads again what the target says of the disk: its size, which is to be at least `to`, and whether it may be written to.
same_store
find_sessions
[ -n "$sessions" ] || vbs_refuse "there is no session to $target"
for session in $sessions; do
    find_disks "$session"
    for disk in $disks; do
        echo 1 >"/sys/block/$disk/device/rescan"
        patience=50
        while size=$(blockdev --getsize64 "/dev/$disk") && [ "$size" -lt "$to" ]; do
            patience=$((patience - 1))
            [ "$patience" -gt 0 ] || vbs_stop 1 "$disk still has $size bytes, and the target was to show $to"
            sleep 0.1
        done
        # Beside what its target says there is what somebody on this host has said.
        if [ "$access" = read_write ]; then blockdev --setrw "/dev/$disk"; fi
        read -r readonly <"/sys/block/$disk/ro"
        case $access/$readonly in
            read_write/0 | read_only/1) ;;
            *) vbs_stop 1 "$disk is to be $access, and its target says otherwise" ;;
        esac
    done
done
save_seated
