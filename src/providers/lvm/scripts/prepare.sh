# The target of a thick copy, marked as not yet whole, and where the source is a volume the snapshot that the copy is
# read from: with `reserve` bytes it has room for everything that is written meanwhile.
same_group
helper=vbs_copy.$id
look "$source_name" "$name" "$helper"
expect_source
[ "$size_there" -le "$size" ] || vbs_refuse "the source $vg/$source_name has $size_there bytes, more than the $size that its copy is to have"
if at "$name" && is "$id" && ! has_tag vbs.filling; then exit 0; fi
at "$name" || rm -f -- "$progress_file"
make "$name" "$mark" "$size" -Wy -Zy -L "${size}b" "$vg"
if [ "$reserve" != 0 ]; then
    look "$helper"
    if ! at "$helper"; then
        must lvcreate --yes --name "$helper" --addtag vbs --addtag "vbs.lineage=$vbs_lineage" \
            --addtag "vbs.helper=$id" -s -pr -L "${reserve}b" "$vg/$source_name"
    elif ! has_tag "vbs.helper=$id"; then
        vbs_refuse "$vg/$helper exists and is not ours"
    fi
fi
