# The same volume under another name: QEMU has it open and needs no telling, so the mark alone follows.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
if [ "$rest" != "$mark" ]; then save_seated; fi
vbs_sync "$store"
