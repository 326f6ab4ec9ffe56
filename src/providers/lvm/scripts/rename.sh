# Another name for a logical volume. The name that counts is its own; the mark follows.
same_group
look "$from" "$to"
if at "$to"; then
    is "$id" || vbs_refuse "$vg/$to exists and is not ours"
else
    expect "$from" "$id" "$size"
    must lvrename "$vg" "$from" "$to"
fi
if ! has_tag "$name_tag"; then
    set -- --addtag "$name_tag"
    IFS=,
    for tag in $tags; do
        case $tag in vbs.name=*) set -- "$@" --deltag "$tag" ;; esac
    done
    unset IFS
    must lvchange "$@" "$vg/$to"
fi
