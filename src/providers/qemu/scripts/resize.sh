# Shows a guest the size that its disk has grown to.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
export size
speak '
list /machine/peripheral
case $answer in *"\"name\": \"$device\""*) ;; *) end absent ;; esac
must "{\"execute\":\"block_resize\",\"arguments\":{\"node-name\":\"$node\",\"size\":$size}}"
end ok' 60 4</dev/null
case $said in
    ok) ;;
    absent) vbs_refuse "the disk is not in VM $vm any more" ;;
    *)
        if is_off; then vbs_refuse "VM $vm is off, or its socket $where does not answer"; fi
        otherwise
        [ -n "$as_before" ] || vbs_stop 1 "VM $vm: $why"
        vbs_refuse "QEMU of VM $vm would not show the new size: $why"
        ;;
esac
if [ "$rest" != "$mark" ]; then save_seated; fi
vbs_sync "$store"
