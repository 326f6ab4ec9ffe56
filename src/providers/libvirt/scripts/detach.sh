# Takes a disk from a VM: first from the one that runs, whose guest is asked to let go of it and has some seconds for that.
# What it does not let go of stays as it is. Then the configuration, the secret, and last the mark.
same_store
read_mark "$id"
look_at_vm
if exists "$store/$id.json" || exists "$way"; then : >"$way"; fi

# Prints what libvirt tells of the VM's devices, and `look` in between, for as long as a guest has.
watch() {
    timeout --foreground "$((patience + 30))" virsh -q -c "$uri" event --domain "$vm" --all --loop --timeout "$patience" \
        2>/dev/null </dev/null &
    while kill -0 "$!" 2>/dev/null; do
        printf 'look\n' 2>/dev/null || {
            kill "$!" 2>/dev/null || :
            break
        }
        sleep 0.2
    done
}

# Asks the guest, and prints what came of it.
unplug() {
    status=0
    what=$(ask detach-device-alias --domain "$vm" --alias "$alias" --live 2>&1 >/dev/null </dev/null) || status=$?
    case $status,$what in
        0,* | *"already in the process of unplug"*) ;;
        124,* | 137,*) tell "status $status" ;;
        *) tell "no $what" ;;
    esac
    while IFS= read -r line; do
        case $line in
            "event 'device-removed' "*": $alias") tell gone ;;
            "event 'device-removal-failed' "*": $alias") tell refused ;;
            look) if ! lasts; then tell gone; fi ;;
        esac
    done
    tell pending
}

tell() {
    printf '%s' "$1"
    exit 0
}

# Whether the running VM has the disk, as far as can be told.
lasts() {
    get list --name || return 0
    listed "$vm" "$said" || return 1
    found=0
    has || found=$?
    [ "$found" -ne 1 ]
}

if [ -n "$there" ]; then
    # Whoever takes a killed frame back has to know that the guest was asked.
    if exists "$way"; then printf 'asked\n' >"$way"; fi
    outcome=$(watch | unplug)
    case $outcome in
        gone) ;;
        refused)
            rm -f -- "$way"
            vbs_refuse "the guest of VM $vm refused to let go of the disk: close it there, then run again"
            ;;
        *)
            state_of "$vm" && look_live || vbs_stop 1 "VM $vm: $why"
            if [ -n "$there" ]; then
                case $outcome in
                    pending)
                        rm -f -- "$way"
                        vbs_stop 1 "the guest of VM $vm did not let go of the disk within $patience s. It was asked and may" \
                            "still do so; a reset of the VM does it for certain. Then run again"
                        ;;
                    "no "*)
                        rm -f -- "$way"
                        reason "$outcome"
                        vbs_refuse "libvirt would not take the disk from VM $vm: $why"
                        ;;
                    *) vbs_stop 1 "VM $vm: detach-device-alias ended with $outcome" ;;
                esac
            fi
            ;;
    esac
fi
if [ -n "$kept" ]; then
    # What the guest has let go of already is not taken from it twice.
    drop_config || drop_config || vbs_stop 1 "libvirt would not take the disk from the configuration of VM $vm: $why"
fi
if [ -n "$login" ]; then drop_secret || drop_secret || vbs_stop 1 "libvirt would not remove the secret $id: $why"; fi
take_away() { rm -f -- "$store/$id.json.new" "$store/$id.json" "$way"; }
trap take_away EXIT
take_away
trap - EXIT
vbs_sync "$store"
