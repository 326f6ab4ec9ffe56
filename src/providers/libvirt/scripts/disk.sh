# A disk of ours in a VM, known by its alias, and the secret of a network disk, which has the disk's id for its own. While a
# frame is at it the file $way lies beside the mark, so that what a killed frame left is known for unfinished.
way=$store/${id-}.${vbs_lineage-}.way
mending=
if [ -n "${id-}" ]; then alias_of "$id"; fi

# Before anything is changed: what VM $vm is and has.
look_at_vm() {
    look ||
        vbs_refuse "libvirt cannot be asked for VM $vm at $uri, and nothing was changed: $why"
}

# Of the descriptions $xml the first that is taken by what the arguments name (--live, --config, or both, of which libvirt takes
# all or nothing): files and block devices are told apart here.
attach_to() {
    why="none of them is for what is there"
    set -f
    IFS="
"
    for each in $xml; do
        unset IFS
        case $each in
            "<disk type='file'"*) [ -z "$block" ] || continue ;;
            "<disk type='block'"*) [ -n "$block" ] || continue ;;
        esac
        status=0
        what=$(printf '%s\n' "$each" | ask attach-device --domain "$vm" --file /dev/stdin "$@" 2>&1 >/dev/null) || status=$?
        case $status in
            0)
                set +f
                return 0
                ;;
            124 | 137) vbs_stop 1 "VM $vm: attach-device $* took too long, and only a look can tell what came of it" ;;
            *) reason "$what" ;;
        esac
    done
    unset IFS
    set +f
    return 1
}

drop_config() {
    what=$(ask detach-device-alias --domain "$vm" --alias "$alias" --config 2>&1 >/dev/null </dev/null) && return 0
    reason "$what"
    return 1
}

# The secret of the disk, if there is one.
drop_secret() {
    what=$(ask secret-undefine --secret "$id" 2>&1 >/dev/null </dev/null) && return 0
    case $what in *"Secret not found"* | *"no secret with matching"*) return 0 ;; esac
    reason "$what"
    return 1
}

# For `release.sh`: whether the disk of a mark is in its VM, or a frame was at it.
still_there() {
    exists "$store/$1.$vbs_lineage.way" && return 0
    read_mark "$1"
    vm=${rest#*\"body\":\{\"kind\":\"disk\",\"vm\":\"}
    vm=${vm%%\"*}
    alias_of "$1"
    look || return 0
    [ -n "$there$kept" ]
}

# A thaw that was armed has been done, or has nothing to do any more.
last_one_leaves() { rm -f -- "$store"/*.frozen; }
