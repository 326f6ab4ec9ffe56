# Shows a guest the size that its disk has grown to. A VM that is off sees it when it starts.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
look_at_vm
if [ -n "$runs" ]; then
    [ -n "$there" ] || vbs_refuse "the disk is not in VM $vm any more"
    has || vbs_refuse "the disk is not in VM $vm any more"
    case $described in
        *"<target dev='$device' "*) ;;
        *) vbs_refuse "the disk is another device than $device in VM $vm by now" ;;
    esac
    status=0
    what=$(ask blockresize --domain "$vm" --path "$device" --size "${size}B" 2>&1 >/dev/null </dev/null) || status=$?
    case $status in
        0) ;;
        124 | 137) vbs_stop 1 "VM $vm: blockresize took too long, and only a look can tell what came of it" ;;
        *)
            reason "$what"
            vbs_refuse "libvirt would not show VM $vm the new size: $why"
            ;;
    esac
fi
if [ "$rest" != "$mark" ]; then save_seated; fi
vbs_sync "$store"
