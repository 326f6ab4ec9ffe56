# Grows an image: one call, so it is whole or not done.
same_store
load "$id"
if mine "$path/$name.img" && [ "$now_size" = "$to" ]; then exit 0; fi
expect_live "$name" "$from"
truncate -s "$to" -- "$path/$name.img"
vbs_sync "$path/$name.img"
