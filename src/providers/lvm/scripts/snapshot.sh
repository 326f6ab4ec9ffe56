# A snapshot: read-only and active, like every disk of ours. A thin one shares what has not changed; a thick one has
# `reserve` bytes for it. A thin one must not be given a size: LVM would make a thick one of a thin volume.
same_group
look "$source_name"
expect_source
if [ -n "$pool" ]; then
    make "$name" "$mark" 0 -s -kn -ay -pr "$vg/$source_name"
else
    make "$name" "$mark" 0 -s -pr -L "${reserve}b" "$vg/$source_name"
fi
