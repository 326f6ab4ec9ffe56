# Takes a disk from a VM. The guest is asked to let go of the device and has some seconds for it; what it does not let go
# of stays as it is. Then the node and the secret go, and the mark goes last.
same_store
read_mark "$id"
if exists "$store/$id.json" || exists "$way"; then : >"$way"; fi
export way
speak "$away"'
list /machine/peripheral
case $answer in *"\"name\": \"$device\""*)
    # Whoever takes a killed frame back has to know that the guest was asked.
    [ ! -e "$way" ] || printf "asked\n" >"$way"
    if ! ask "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"$device\"}}"; then
        case $answer in
            *"already in the process of unplug"*) ;;
            *DeviceNotFound*) gone=yes ;;
            *) end "no $answer" ;;
        esac
    fi
    until [ -n "$gone$refused" ]; do
        IFS= read -r answer || end pending
        case $answer in *\"event\":*\"device\":\ \"$device\"*)
            case $answer in
                *\"DEVICE_DELETED\"*) gone=yes ;;
                *\"DEVICE_UNPLUG_GUEST_ERROR\"*) refused=yes ;;
            esac ;;
        esac
    done
    [ -n "$gone" ] || end refused ;;
esac
clear || end "stuck $answer"
end ok' "$patience" 4</dev/null
case $said in
    ok) ;;
    refused)
        rm -f -- "$way"
        vbs_refuse "the guest of VM $vm refused to let go of the disk: close it there, then run again"
        ;;
    pending)
        rm -f -- "$way"
        vbs_stop 1 "the guest of VM $vm did not let go of the disk within $patience s. It was asked and may still do so;" \
            "a reset of the VM does it for certain. Then run again"
        ;;
    *)
        # What is off has no disks.
        if ! is_off; then
            otherwise
            [ -n "$as_before" ] || vbs_stop 1 "VM $vm: $why"
            rm -f -- "$way"
            vbs_refuse "QEMU of VM $vm would not let go of the disk: $why"
        fi
        ;;
esac
take_away() { rm -f -- "$store/$id.json.new" "$store/$id.json" "$way"; }
trap take_away EXIT
take_away
trap - EXIT
vbs_sync "$store"
