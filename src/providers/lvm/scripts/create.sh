# A blank volume, marked by the command that makes it.
same_group
if [ -n "$pool" ]; then
    make "$name" "$mark" "$size" --type thin -V "${size}b" --thinpool "$pool" "$vg"
else
    make "$name" "$mark" "$size" -Wy -Zy -L "${size}b" "$vg"
fi
