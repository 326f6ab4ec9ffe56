# Moves a logical volume into the trash: one rename. `mark` is what its tags are to say there; nothing where they stay.
same_group
look "$name" "$trashed"
if at "$trashed"; then
    is "$id" || vbs_refuse "$vg/$trashed exists and is not ours"
else
    expect "$name" "$id" "$size"
    refuse_if_open "$name"
    must lvrename "$vg" "$name" "$trashed"
fi
if [ -n "$mark" ]; then retag "$trashed" "$mark"; fi
