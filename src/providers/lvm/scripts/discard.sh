# Takes a creation back, however far it came. What somebody has open or has written to is kept, in the trash.
same_group
lock_object
helper=vbs_copy.$id
look "$name" "$trashed" "$helper"
if at "$helper" && has_tag "vbs.lineage=$vbs_lineage" && has_tag "vbs.helper=$id"; then
    remove "$helper"
    look "$name" "$trashed"
fi
kept=
if at "$trashed" && is "$id"; then
    kept=yes
elif at "$name" && is "$id"; then
    if untouched "$name"; then
        remove "$name"
    else
        must lvrename "$vg" "$name" "$trashed"
        kept=yes
    fi
fi
rm -f -- "$made_file"
forget_progress
if [ -n "$kept" ]; then printf 'kept %s in the trash: it is open or was written to\n' "$id"; fi
