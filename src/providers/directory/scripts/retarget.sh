# Points a disk elsewhere, because what is attached has another name now. The link is replaced at once; its mark follows.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "$id has no mark in $store"
if exists "$staged"; then rm -f -- "$staged"; fi
if ! points_to "$link" "$target"; then
    points_to "$link" "$from" || vbs_refuse "$link is not the link to $from that was made"
    trap 'rm -f -- "$staged"' EXIT
    ln -sfT -- "$target" "$staged"
    mv -fT -- "$staged" "$link"
    trap - EXIT
fi
if [ "$rest" != "$mark" ]; then save_disk; fi
vbs_sync "$store" "$path/$vm"
