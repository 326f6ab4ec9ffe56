# Merges a thick snapshot into its volume, which takes long, and takes a new one under the snapshot's name: merging uses
# the old one up. The guard is held only to look and to begin.
vbs_enter "$vbs_guard"
same_group
lock_object
look "$name" "$snapshot_name"
if at "$snapshot_name" && is "$fresh"; then
    rm -f -- "$vbs_guard/made.$vbs_lineage.$snapshot"
    forget_progress
    exit 0
fi
begun=
if [ -f "$progress_file" ]; then read -r begun <"$progress_file" || :; fi
expect_volume() {
    at "$name" || vbs_refuse "$vg/$name is not there"
    is "$id" || vbs_refuse "$vg/$name is not the logical volume that was made as $id"
}
expect_volume
if at "$snapshot_name"; then
    is "$snapshot" || vbs_refuse "$vg/$snapshot_name is not the logical volume that was made as $snapshot"
    case $attr in
        S*) call lvchange --poll y "$vg/$name" ;;
        ????[IS]*) vbs_refuse "$vg/$snapshot_name was written over: the room set aside for it has run full" ;;
        *)
            expect_volume
            [ "$size_there" = "$size" ] || vbs_refuse "$vg/$name has $size_there bytes, and $size were planned for"
            refuse_if_open "$name"
            refuse_if_open "$snapshot_name"
            printf 'merging %s\n' "$snapshot" >"$progress_file"
            vbs_sync "$progress_file" "$vbs_guard"
            must lvconvert --yes --background --mergesnapshot "$vg/$snapshot_name"
            ;;
    esac
    leave_guard
    seconds
    deadline=$((uptime + 5))
    while :; do
        look "$snapshot_name"
        at "$snapshot_name" || break
        case $attr in
            M* | ????[mM]*) vbs_stop 5 "merging $vg/$snapshot_name failed, as LVM says: look at lvs -a $vg" ;;
        esac
        seconds
        if [ "$uptime" -ge "$deadline" ]; then break; fi
        sleep 0.5
    done
    whole=${percent%%.*}
    case $whole in '' | *[!0-9]*) whole=0 ;; esac
    if at "$snapshot_name"; then so_far=$((size / 100 * (100 - whole))); else so_far=$size; fi
    printf 'progress %s %s\n' "$so_far" "$size"
    exit 71
fi
[ "$begun" = "merging $snapshot" ] || vbs_refuse "the snapshot $vg/$snapshot_name is not there"
old=$id
id=$fresh
made_file=$vbs_guard/made.$vbs_lineage.$id
make "$snapshot_name" "$mark" 0 -s -pr -L "${reserve}b" "$vg/$name"
id=$old
rm -f -- "$vbs_guard/made.$vbs_lineage.$snapshot"
forget_progress
