# Moves an image into the trash: one rename. `mark` and `kept_name` are what its mark is to say there; nothing where
# it stays as it is.
same_store
load "$id"
if ! mine "$trashed"; then
    expect_live "$name" "$size"
    if exists "$trashed"; then vbs_refuse "$trashed exists and is not ours"; fi
    refuse_if_open "$path/$name.img"
    appear "$path/$name.img" "$trashed"
fi
if [ -n "$mark" ] && [ "$called $rest" != "$kept_name $mark" ]; then save "$id" "$file" "$made" "$kept_name" "$mark"; fi
vbs_sync "$store/trash" "$store" "$path"
