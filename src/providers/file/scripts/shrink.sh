# Takes a grow back, where nobody can have used the new room.
same_store
load "$id"
if mine "$path/$name.img" && [ "$now_size" = "$to" ]; then exit 0; fi
expect_live "$name" "$from"
refuse_if_open "$path/$name.img"
truncate -s "$to" -- "$path/$name.img"
vbs_sync "$path/$name.img"
