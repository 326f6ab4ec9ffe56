# Takes a freeze back.
same_store
melt || vbs_stop 1 "the guest of VM $vm does not thaw its file systems: $why"
