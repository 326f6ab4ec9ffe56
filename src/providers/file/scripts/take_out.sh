# Brings an image back from the trash under a name. `mark` is what its mark is to say; nothing where it stays as it is.
same_store
load "$id"
if ! mine "$path/$name.img"; then
    mine "$trashed" || vbs_refuse "$trashed is not the file that was made as $id"
    [ "$now_size" = "$size" ] || vbs_refuse "$trashed has $now_size bytes, and $size were planned for"
    if exists "$path/$name.img"; then vbs_refuse "$path/$name.img exists and is not ours"; fi
    if [ -n "$mark" ] && [ "$called $rest" != "$name $mark" ]; then save "$id" "$file" "$made" "$name" "$mark"; fi
    appear "$trashed" "$path/$name.img"
fi
vbs_sync "$store/trash" "$store" "$path"
