# Takes a creation back, however far it came. What somebody has open or has written into is kept, in the trash.
same_store
load "$id"
if exists "$trashed"; then exit 0; fi
live=$path/$name.img
if exists "$staged"; then
    keep=
    if mine "$staged"; then
        find_users "$staged"
        if [ "$now_made" != "$made" ] || [ -n "$users" ]; then keep=yes; fi
    fi
elif mine "$live"; then
    find_users "$live"
    if [ "$now_made" = "$made" ] && [ -z "$users" ]; then
        keep=
        appear "$live" "$staged"
    else
        keep=yes
        staged=$live
    fi
elif [ -n "$marked" ] && exists "$live"; then
    vbs_refuse "$live is not the file that was made as $id"
else
    keep=
fi
if [ -n "$keep" ]; then
    appear "$staged" "$trashed"
    vbs_sync "$store/trash" "$store" "$path"
    printf 'kept %s in the trash: it is open or was written into\n' "$id"
else
    unstage
    vbs_sync "$store" "$path"
fi
