# Raises the epoch of this lineage at a container that it has joined. A guard that is there is waited for before the
# epoch is looked for: a command that makes the container may hold it at this moment. Nothing is made where there is
# no guard. What was in the way is printed: the epoch of a newer run, or who holds the guard.
#
# Where there is no guard there is nothing that could fence an older command which is to make the container and has
# not begun. So the shells that a former vbs of this lineage left are ended: none takes another frame. What runs in
# one is a process of its own, which is waited for and never ended; only a shell leads its process group. Their names say
# at which epoch they were started: this frame may itself be what a vbs left, and begin late, beside the one that
# closes its run.
trap 'printf "%s\n" "${vbs_found-}"' EXIT

left_over() {
    found=
    for each in $(grep -lsF -- "vbs-$vbs_lineage-" /proc/[0-9]*/cmdline); do
        id=${each#/proc/}
        id=${id%/cmdline}
        name=$(tr '\0' ' ' 2>/dev/null <"$each") || continue
        name=${name#*"vbs-$vbs_lineage-"}
        name=${name%% *}
        started=${name%%-*}
        # Whatever searches for the name has a part of it among its own arguments, and no epoch.
        case $started in '' | *[!0-9]*) continue ;; esac
        if [ "$started" -ge "$vbs_epoch" ] || [ "${name#*-}" = "$instance" ]; then continue; fi
        line=
        read -r line 2>/dev/null <"/proc/$id/stat" || continue
        # Behind the name of the program, which may hold anything: state, parent, process group.
        # shellcheck disable=SC2086
        set -- ${line##*) }
        case $1 in Z | X) continue ;; esac
        found=$id
        if [ "$3" = "$id" ]; then kill -- "$id" 2>/dev/null || :; fi
    done
    [ -n "$found" ]
}

if ! [ -e "$vbs_guard/guard" ]; then
    waited=0
    while left_over; do
        if [ "$waited" -ge "$((vbs_wait * 10))" ]; then
            vbs_found="process $found, which a former vbs of this workspace started"
            vbs_stop 75 "$vbs_found is still there after $vbs_wait s"
        fi
        sleep 0.1
        waited=$((waited + 1))
    done
fi
[ -e "$vbs_guard/guard" ] || vbs_gone "$vbs_guard holds no guard"
vbs_enter "$vbs_guard" joining
[ -n "$vbs_found" ] || vbs_gone "this lineage has not been at $vbs_guard"
vbs_write_epoch "$vbs_guard"
