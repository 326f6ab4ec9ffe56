# Grows a volume.
same_group
look "$name"
if at "$name" && is "$id" && [ "$size_there" = "$to" ]; then exit 0; fi
expect "$name" "$id" "$from"
if has_role thickorigin; then vbs_refuse "$vg/$name has snapshots, which keep its size: destroy them first"; fi
must lvextend --yes -L "${to}b" "$vg/$name"
