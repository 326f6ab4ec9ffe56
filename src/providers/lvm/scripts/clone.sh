# A thin volume with the content of another or of a snapshot, which shares what neither has changed.
same_group
look "$source_name" "$name"
if at "$name" && is "$id" && [ "$size_there" = "$size" ] && [ -s "$made_file" ]; then
    read -r _ sectors <"$made_file" || :
    if [ -n "$sectors" ]; then exit 0; fi
fi
expect_source
[ "$size_there" -le "$size" ] || vbs_refuse "the source $vg/$source_name has $size_there bytes, more than the $size that its copy is to have"
make "$name" "$mark" "$size_there" -s -kn -ay "$vg/$source_name"
look "$name"
at "$name" || vbs_stop 1 "$vg/$name is not there after it was made"
if [ "$size_there" -lt "$size" ]; then must lvextend --yes -L "${size}b" "$vg/$name"; fi
