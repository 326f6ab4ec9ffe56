# Wipes a piece of a thick logical volume in the trash; once all is wiped, its name says so. A snapshot is cut from its
# origin first: what it holds are blocks that were the origin's.
vbs_enter "$vbs_guard"
same_group
lock_object
wiped=vbs_wiped.$id
look "$trashed" "$wiped"
if at "$wiped"; then
    is "$id" || vbs_refuse "$vg/$wiped exists and is not ours"
    forget_progress
    exit 0
fi
# Nothing to wipe: somebody has removed it.
at "$trashed" || exit 0
is "$id" || vbs_refuse "$vg/$trashed is not the logical volume that was made as $id"
if has_role thickorigin; then vbs_refuse "$vg/$trashed still has snapshots, which would be overwritten by what is wiped: destroy them first"; fi
refuse_if_open "$trashed"
if ! has_tag vbs.wiping; then
    if has_role thicksnapshot; then must lvconvert --yes --splitsnapshot "$vg/$trashed"; fi
    case $attr in
        ?r*) must lvchange --yes -prw "$vg/$trashed" ;;
    esac
    must lvchange --yes -ay -K "$vg/$trashed"
    rm -f -- "$progress_file"
    must lvchange --addtag vbs.wiping "$vg/$trashed"
    look "$trashed"
    at "$trashed" || vbs_refuse "$vg/$trashed is gone"
fi
read_progress
if [ "$so_far" -ge "$own_size" ]; then
    must lvrename "$vg" "$trashed" "$wiped"
    forget_progress
    exit 0
fi
device=/dev/$vg/$trashed
discard() { blkdiscard -o "$1" -l "$2" -- "$device"; }
go_on "$how" 268435456 "$own_size"
