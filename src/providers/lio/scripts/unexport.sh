# Ends an export: initiators, LUN, portals, target, backstore, what is saved of it, and the mark last.
same_store
read_mark "$id"
if [ -d "$root/iscsi/$target" ] && [ -z "$marked" ]; then exit 0; fi
same_target
for each in "$tpg"/acls/*; do
    if [ -d "$each" ] && is_connected "${each##*/}"; then vbs_refuse "${each##*/} is logged in to $target: log it out first"; fi
done
for each in "$tpg"/acls/*; do
    if [ -d "$each" ]; then shut_out "${each##*/}"; fi
done
for each in "$tpg"/lun/lun_*; do
    [ -d "$each" ] || continue
    for link in "$each"/*; do
        if [ -L "$link" ]; then rm -f -- "$link"; fi
    done
    rmdir -- "$each"
done
for each in "$tpg"/np/*; do
    if [ -d "$each" ]; then rmdir -- "$each"; fi
done
for each in "$tpg" "$root/iscsi/$target"; do
    if [ -d "$each" ]; then rmdir -- "$each"; fi
done
find_backstore
if [ -n "$found" ]; then
    rmdir -- "$found"
    rmdir -- "${found%/*}" 2>/dev/null || :
fi
save
forget_seated
