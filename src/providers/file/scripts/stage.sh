# A copy of a snapshot that waits to be swapped in for a volume's content.
same_store
load "$id"
if mine "$staged"; then exit 0; fi
if exists "$trashed"; then vbs_refuse "$id lies in the trash"; fi
trap unstage EXIT
copy_from "$source" "$size"
mark_staged "$name" "$mark"
trap - EXIT
vbs_sync "$store"
