# Another name for an image. The name that counts is that of the file: the mark is written first and follows.
same_store
load "$id"
if ! mine "$path/$to.img"; then
    expect_live "$from" "$size"
    if exists "$path/$to.img"; then vbs_refuse "$path/$to.img exists and is not ours"; fi
fi
if [ "$called" != "$to" ]; then save "$id" "$file" "$made" "$to" "$rest"; fi
if exists "$path/$from.img" && mine "$path/$from.img"; then appear "$path/$from.img" "$path/$to.img"; fi
vbs_sync "$store" "$path"
