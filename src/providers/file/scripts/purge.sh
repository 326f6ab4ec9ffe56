# Removes what lies in the trash for good: the mark first, for the file's own name says whose it is.
same_store
load "$id"
if exists "$trashed" && [ -n "$marked" ]; then
    mine "$trashed" || vbs_refuse "$trashed is not the file that was made as $id"
    refuse_if_open "$trashed"
elif [ -n "$marked" ] && mine "$path/$called.img"; then
    vbs_refuse "$id is not in the trash but in use as $path/$called.img"
fi
rm -f -- "$store/$id.json.new" "$store/$id.json" "$trashed"
vbs_sync "$store/trash" "$store"
