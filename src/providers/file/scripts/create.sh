# A blank image: sparse, marked, and visible only when it is whole.
same_store
not_yet
trap unstage EXIT
truncate -s "$size" -- "$staged"
mark_staged "$name" "$mark"
appear "$staged" "$path/$name.img"
trap - EXIT
vbs_sync "$store" "$path"
