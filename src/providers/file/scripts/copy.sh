# An image with the content of another one of ours: a clone or a snapshot.
same_store
not_yet
trap unstage EXIT
copy_from "$source" "$size"
mark_staged "$name" "$mark"
appear "$staged" "$path/$name.img"
trap - EXIT
vbs_sync "$store" "$path"
