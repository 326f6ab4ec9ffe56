# A disk of a guest: its mark, its line in the guest's file, and the running guest, which is the one that may say no.
# What is there already stays. What fails is taken back before the frame says so; xl's own word decides nothing.
same_store
read_mark "$id"
[ -b "$target" ] || vbs_refuse "$target is no block device on this host, and Xen takes nothing else"
same_disk "$target"
find_vm && look_live && look_config || vbs_refuse "VM $vm cannot be looked at: $why"
[ -n "$domain$config" ] || vbs_refuse "VM $vm does not run, and no file of it is known: start it, then attach to it"
[ -z "$taken" ] || vbs_refuse "$file has a disk $device that is not ours: $taken"
if [ -n "$there" ] && { [ "$there" != "$target" ] || [ -z "$marked" ]; }; then
    vbs_refuse "VM $vm has a disk $device that is not ours: $there"
fi
was=$marked

# Taken away only where nothing was ours before.
take_back() {
    ended=$?
    trap - EXIT
    if [ -z "$was" ]; then
        look_live && look_config || vbs_stop 1 "VM $vm cannot be looked at: $why"
        if [ -n "$there" ]; then
            xl block-detach --force "$domain" "$device" >&2 </dev/null || :
            look_live || vbs_stop 1 "VM $vm cannot be looked at: $why"
            [ -z "$there" ] || vbs_stop 1 "VM $vm has the disk $device, and does not let go of it"
        fi
        if [ -n "$kept" ]; then write_config '' || vbs_stop 1 "$why"; fi
        forget_seated
    fi
    exit "$((ended == 0 ? 1 : ended))"
}

trap take_back EXIT
if [ "$rest" != "$mark" ]; then save_seated; fi
if [ -n "$config" ] && [ "$kept" != yes ]; then write_config "$entry" || vbs_stop 1 "$why"; fi
if [ -n "$domain" ] && [ -z "$there" ]; then
    status=0
    told=$(xl block-attach "$domain" "$disk" 2>&1 </dev/null) || status=$?
    look_live || vbs_stop 1 "xl ended with status $status, and VM $vm cannot be looked at: $why"
fi
# xl gives up on a script that goes on, and says that it failed.
if [ -n "$domain" ]; then
    patience=30
    while [ "$there" = "$target" ] && [ "$hotplug" != connected ] && [ "$patience" -gt 0 ]; do
        case $hotplug in error) break ;; esac
        patience=$((patience - 1))
        sleep 1
        look_live || vbs_stop 1 "VM $vm cannot be looked at: $why"
    done
    [ "$there" = "$target" ] && [ "$hotplug" = connected ] ||
        vbs_stop 1 "VM $vm has not taken the disk $device: ${told:-dom0 is not connected to it}"
fi
trap - EXIT
vbs_sync "$store"
