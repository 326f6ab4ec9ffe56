# Brings a logical volume back from the trash under a name. `mark` as in trash.sh.
same_group
look "$name" "$trashed"
if ! at "$name" || ! is "$id"; then
    if at "$name"; then vbs_refuse "$vg/$name exists and is not ours"; fi
    expect "$trashed" "$id" "$size"
    if has_tag vbs.wiping; then vbs_refuse "$vg/$trashed is being wiped: what it held is gone in part"; fi
    if [ -n "$mark" ]; then retag "$trashed" "$mark"; fi
    must lvrename "$vg" "$trashed" "$name"
fi
case $attr in
    [sS]* | ????a*) ;;
    *) must lvchange --yes -ay -K "$vg/$name" ;;
esac
