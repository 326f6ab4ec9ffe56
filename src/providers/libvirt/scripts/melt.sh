# Takes a freeze back. What nobody froze for us is not thawed by us.
same_store
if exists "$frozen"; then
    get list --name || vbs_stop 1 "libvirt cannot be asked for VM $vm at $uri: $why"
    if listed "$vm"; then thaw || vbs_stop 1 "the guest of VM $vm does not thaw its file systems: $why"; fi
    rm -f -- "$frozen"
fi
