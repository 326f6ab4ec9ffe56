# Marks an image that somebody else made, as $id: a mark beside it, and nothing in it. `found` is what a survey told it by.
same_store
load "$id"
image=$path/$name.img
if [ -n "$marked" ]; then
    if [ "$file" = "$found" ] && mine "$image"; then exit 0; fi
    vbs_refuse "$id is the mark of another image"
fi
[ -f "$image" ] && ! [ -L "$image" ] || vbs_refuse "$image is not there any more, or is no regular file"
stamp "$image"
[ "$now_file" = "$found" ] || vbs_refuse "$image is not the file that was found"
[ "$now_size" = "$size" ] || vbs_refuse "$image has $now_size bytes, and $size were planned for"
links=$(stat -c %h -- "$image")
[ "$links" = 1 ] || vbs_refuse "$image has $links names: what is written under one shows under the others"
find_writer "$image"
[ -z "$writer" ] || vbs_refuse "$image is open for writing ($writer), so it may not be whole yet: stop what writes to it first"
# Somebody else's mark may have appeared since the survey.
marks=$(find "$store" -mindepth 1 -maxdepth 1 -type f -name '*.json' -exec cat {} +)
case $marks in
    *"\"file\":\"$found\""*) vbs_refuse "$image has a mark already: another workspace adopted it" ;;
esac
save "$id" "$now_file" "$now_made" "$name" "$mark"
vbs_sync "$store"
