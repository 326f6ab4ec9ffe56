# Sent once to every shell, before its first frame. POSIX sh: dash, bash and busybox ash all run it.
#
# What a provider's script may count on. It runs in a subshell of its own, under `set -eu`, with / as its current
# directory, with umask 077, LC_ALL=C and a fixed PATH and no other environment. Its arguments are shell variables, not
# exported. Standard input is the frame's text, ending in a newline, or /dev/null. SIGHUP and SIGPIPE are ignored:
# when vbs has died, a write to standard output fails, so a script prints after it has acted. What it starts in
# the background must have its output redirected, or it would write into later answers.
#
# Functions:
#
#   vbs_refuse MESSAGE...        what is there is not what was planned for: message to standard error, exit 70
#   vbs_gone MESSAGE...          the container is not there or is another one: message, exit 77
#   vbs_sync FILE...             fsync of files and directories
#   vbs_enter DIRECTORY          take the guard of a container, until this subshell ends
#   vbs_enter DIRECTORY joining  the same, where this lineage may not have been there before; the script then calls
#                                vbs_write_epoch, as the first thing that it writes there
#   vbs_write_epoch DIRECTORY    record this run's epoch beside the guard, durably
#
# vbs_enter opens DIRECTORY/guard as descriptor 9 and locks it. It ends the script, with nothing changed,
#   with 77 where DIRECTORY is missing, or was removed or replaced while it waited,
#   with 75 where somebody else held the guard for $vbs_wait seconds, naming the holder,
#   with 76 where a newer run of this lineage has been there, or (unless joining) none ever raised its epoch there,
#   with 70 where the epoch file cannot be understood.
#
# A Guarded frame has entered "$vbs_guard" before its script begins, and the script does not see descriptor 9, so that
# no daemon can inherit the lock. A TakesGuard frame calls vbs_enter itself, in its own subshell and not in a nested
# one; whatever it starts that may outlive it must be given `9>&-`. Both have the variables
#   $vbs_guard $vbs_lineage $vbs_epoch $vbs_wait $vbs_holder

umask 077
LC_ALL=C
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export LC_ALL PATH
trap '' HUP PIPE
cd /

vbs_stop() {
    vbs_status=$1
    shift
    printf '%s\n' "$*" >&2
    exit "$vbs_status"
}

vbs_refuse() { vbs_stop 70 "$@"; }

vbs_gone() { vbs_stop 77 "$@"; }

vbs_sync() { sync "$@"; }

# Sets vbs_found to the epoch of this lineage beside a guard; empty where there is none.
vbs_read_epoch() {
    vbs_found=
    [ -e "$1/epoch.$vbs_lineage" ] || return 0
    read -r vbs_found <"$1/epoch.$vbs_lineage" || :
    case $vbs_found in
        '' | *[!0-9]*) vbs_refuse "$1/epoch.$vbs_lineage does not hold a number: it was altered" ;;
    esac
}

# The lock is on the inode that is open, so the path is compared with it once the lock is held.
vbs_lock() {
    [ -d "$1" ] || vbs_gone "$1 does not exist"
    # What is written through a link is written into somebody else's file.
    if [ -L "$1/guard" ]; then vbs_refuse "$1/guard is a symbolic link"; fi
    exec 9<>"$1/guard"
    vbs_locked=0
    flock -E 75 -w "$vbs_wait" 9 || vbs_locked=$?
    if [ "$vbs_locked" -eq 75 ]; then
        vbs_found=
        read -r vbs_found <"$1/guard" || :
        vbs_stop 75 "$1 stayed locked for $vbs_wait s by ${vbs_found:-somebody who left no name}"
    fi
    [ "$vbs_locked" -eq 0 ] || vbs_stop "$vbs_locked" "$1/guard could not be locked: flock ended with $vbs_locked"
    [ "$1/guard" -ef /proc/self/fd/9 ] || vbs_gone "$1 was removed or replaced while its guard was waited for"
    # For whoever waits for us. It decides nothing, so a full disk does not stop an undo here.
    printf '%s\n' "$vbs_holder" 2>/dev/null >"$1/guard" || :
}

vbs_enter() {
    vbs_lock "$1"
    vbs_read_epoch "$1"
    if [ -n "$vbs_found" ] && [ "$vbs_found" -gt "$vbs_epoch" ]; then
        vbs_stop 76 "a newer run was at $1: its epoch is $vbs_found and this one's is $vbs_epoch"
    fi
    [ "${2-}" = joining ] || [ "$vbs_found" = "$vbs_epoch" ] ||
        vbs_stop 76 "this run (epoch $vbs_epoch) has not raised its epoch at $1, which holds ${vbs_found:-none}"
}

vbs_write_epoch() {
    rm -f "$1/epoch.$vbs_lineage.new" &&
        printf '%s\n' "$vbs_epoch" >"$1/epoch.$vbs_lineage.new" &&
        vbs_sync "$1/epoch.$vbs_lineage.new" &&
        mv -f "$1/epoch.$vbs_lineage.new" "$1/epoch.$vbs_lineage" &&
        vbs_sync "$1"
}
