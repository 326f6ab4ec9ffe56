# Marks a logical volume that somebody else made. Its UUID says that it is the one that was seen.
same_group
look "$name"
at "$name" || vbs_refuse "$vg/$name is not there"
[ "$lv_uuid" = "$reference" ] || vbs_refuse "$vg/$name is another logical volume by now: its UUID is $lv_uuid, and it was $reference"
if is "$id"; then exit 0; fi
if has_tag vbs; then vbs_refuse "$vg/$name is marked by vbs already"; fi
[ "$size_there" = "$size" ] || vbs_refuse "$vg/$name has $size_there bytes, and $size were planned for"
retag "$name" "$mark"
