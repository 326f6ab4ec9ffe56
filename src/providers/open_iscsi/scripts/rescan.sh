# Reads the size of the disk again, which has grown at the target.
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
    done
done
save_seated
