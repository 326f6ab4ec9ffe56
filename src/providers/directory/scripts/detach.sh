# Takes a disk from a VM: the link leaves the VM's directory first, then it goes with its mark.
same_store
read_mark "$id"
if [ -n "$marked" ] && ! exists "$staged" && exists "$link"; then
    points_to "$link" "$target" || vbs_refuse "$link is not the link to $target that was made"
    trap 'if [ -e "$store/$id.json" ] && ! exists "$link"; then mv -nT -- "$staged" "$link"; fi' EXIT
    appear "$link" "$staged"
fi
take_away
trap - EXIT
vbs_sync "$store" "$path"
