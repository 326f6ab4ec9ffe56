# For copies and wipes, which take long: they hold a lock of their object's own, and the guard only to look and to end.
# Whoever takes both takes the guard first.

# A program that is still copying for a frame that was killed holds the lock too. What ends before it has begun, while
# the guard is held, leaves no file of its own.
lock_object() {
    [ -e "$object_lock" ] || trap 'rm -f -- "$object_lock"' EXIT
    exec 8>>"$object_lock"
    flock -w "$vbs_wait" 8 || vbs_stop 75 "a copy or wipe of ${id} is still running on this host"
}

# How far it has come, in bytes, into $so_far.
read_progress() {
    so_far=0
    if [ -f "$progress_file" ]; then read -r so_far <"$progress_file" || :; fi
    case $so_far in '' | *[!0-9]*) so_far=0 ;; esac
}

# What was done up to $so_far is on the disk before this is.
save_progress() {
    printf '%s\n' "$so_far" >"$progress_file.new"
    vbs_sync "$progress_file.new"
    mv -fT -- "$progress_file.new" "$progress_file"
    vbs_sync "$vbs_guard"
}

forget_progress() { rm -f -- "$progress_file" "$progress_file.new" "$object_lock"; }

# Ends the frame where a newer run has been here since it began.
still_ours() {
    vbs_read_epoch "$vbs_guard"
    [ "$vbs_found" = "$vbs_epoch" ] || vbs_stop 76 "a newer run was at $vbs_guard while this one was copying or wiping"
}

seconds() {
    read -r uptime _ </proc/uptime
    uptime=${uptime%.*}
}

# From here on others may come for the guard, and for the lock that lies there.
leave_guard() {
    trap - EXIT
    exec 9>&-
}

# Does pieces of at most $2 bytes with the command $1, which is given where and how much, until all $3 are done or 5 s
# have gone by. Then the same frame is sent again.
go_on() {
    leave_guard
    seconds
    deadline=$((uptime + 5))
    while [ "$so_far" -lt "$3" ] && [ "$uptime" -lt "$deadline" ]; do
        still_ours
        piece=$(($3 - so_far))
        if [ "$piece" -gt "$2" ]; then piece=$2; fi
        "$1" "$so_far" "$piece"
        so_far=$((so_far + ${piece_done:-$piece}))
        seconds
    done
    save_progress
    printf 'progress %s %s\n' "$so_far" "$3"
    exit 71
}

# Zeroes $2 bytes of $device from $1 on, by the device itself where it can.
zero() { blkdiscard -z -o "$1" -l "$2" -- "$device"; }
