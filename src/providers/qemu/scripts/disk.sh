# A disk of ours in a VM: the device $device, the block node $node and, where it needs one, the secret $device-secret. While
# a frame is at it the file $way lies beside the mark, so that what a killed frame left is known for unfinished.
way=$store/${id-}.${vbs_lineage-}.way
if [ -n "${where-}" ]; then
    device_of "$id"
    export node
fi

away='
drop() {
    tries=0
    until ask "$1"; do
        case $answer in *"Failed to find node"* | *"not found"*) return 0 ;; esac
        tries=$((tries + 1))
        [ "$tries" -lt 50 ] || return 1
        sleep 0.1
    done
}
clear() {
    drop "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"$node\"}}" &&
        drop "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"$device-secret\"}}"
}
'

# What a conversation came to that did not go as it should, into $why, and whether QEMU is as it was before, into $as_before:
# of what broke off only a look can tell.
otherwise() {
    as_before=yes
    case $said in
        busy) why="$where is there, and nobody spoke QMP on it: another program may be connected to it" ;;
        "no "*) reason ;;
        *)
            if [ -n "$begun" ]; then
                as_before=
                why="QEMU fell silent in the middle of a conversation on $where: $said"
            else
                why="it could not be spoken to on $where: $said"
            fi
            ;;
    esac
}

# For `release.sh`: whether the disk of a mark is in its VM. A VM that is off has none.
still_there() {
    exists "$store/$1.$vbs_lineage.way" && return 0
    read_mark "$1"
    vm=${rest#*\"body\":\{\"kind\":\"disk\",\"vm\":\"}
    vm=${vm%%\"*}
    device_of "$1"
    socket_of "$vm"
    speak 'list /machine/peripheral
        case $answer in *"\"name\": \"$device\""*) end there ;; esac
        end ok' 10
    [ "$said" != ok ] && ! is_off
}

last_one_leaves() { :; }
