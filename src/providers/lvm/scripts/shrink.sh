# Takes a grow back, where nobody can have used the new room.
same_group
look "$name"
if at "$name" && is "$id" && [ "$size_there" = "$to" ]; then exit 0; fi
expect "$name" "$id" "$from"
if has_role thickorigin; then vbs_refuse "$vg/$name has snapshots, which keep its size"; fi
refuse_if_open "$name"
must lvreduce --yes --force -L "${to}b" "$vg/$name"
