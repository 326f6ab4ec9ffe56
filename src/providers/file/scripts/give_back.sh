# Takes an adoption back: the mark goes, and the image stays as it is.
same_store
load "$id"
if [ -n "$marked" ]; then
    [ "$file" = "$found" ] || vbs_refuse "$id is the mark of another image"
    rm -f -- "$store/$id.json"
fi
vbs_sync "$store"
