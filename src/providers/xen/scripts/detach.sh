# Takes a disk from a guest, which is asked to let go of it and has some seconds for that; what it does not let go of stays.
# Then its line in the guest's file, and last the mark. A disk that somebody else has put there is theirs.
same_store
read_mark "$id"
[ -n "$marked" ] || exit 0
find_vm && look_live && look_config || vbs_refuse "VM $vm cannot be looked at: $why"
if [ -n "$there" ] && [ "$there" = "$target" ]; then
    status=0
    told=$(xl block-detach "$domain" "$device" 2>&1 </dev/null) || status=$?
    # The guest may have ended meanwhile, and its number with it.
    find_vm && look_live || vbs_stop 1 "xl ended with status $status, and VM $vm cannot be looked at: $why"
    if [ "$there" = "$target" ]; then
        vbs_stop 1 "the guest of VM $vm did not let go of the disk. It was asked and may still do so: close it there, then run" \
            "again${told:+ ($told)}"
    fi
fi
if [ -n "$kept" ]; then write_config '' || vbs_stop 1 "$why"; fi
forget_seated
