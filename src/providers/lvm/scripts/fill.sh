# Copies a piece of a thick volume or snapshot; once all is copied, the copy is a volume like any other. What lies behind
# the source's end in a larger copy is zeroed: it may have been anybody's.
vbs_enter "$vbs_guard"
same_group
lock_object
read_progress
helper=vbs_copy.$id
look "$name" "$source_name" "$helper"
at "$name" || vbs_refuse "$vg/$name is not there"
is "$id" || vbs_refuse "$vg/$name is not the logical volume that was made as $id"
if ! has_tag vbs.filling; then
    forget_progress
    exit 0
fi
[ "$size_there" = "$size" ] || vbs_refuse "$vg/$name has $size_there bytes, and $size were planned for"
if [ "$so_far" -ge "$size" ]; then
    if at "$helper" && has_tag "vbs.helper=$id"; then remove "$helper"; fi
    end_making "$name"
    must lvchange --deltag vbs.filling "$vg/$name"
    forget_progress
    exit 0
fi
if [ "$reserve" != 0 ]; then
    at "$helper" && has_tag "vbs.helper=$id" || vbs_refuse "$vg/$helper, which the copy is read from, is not there"
    from=$helper
else
    expect_source
    from=$source_name
fi
case $attr in ????I* | ????S*) vbs_refuse "$vg/$from was written over: the room set aside for it has run full" ;; esac
from=/dev/$vg/$from
device=/dev/$vg/$name

piece() {
    piece_done=$2
    if [ "$1" -ge "$copied" ]; then
        zero "$1" "$2"
        return 0
    fi
    if [ $(($1 + $2)) -gt "$copied" ]; then piece_done=$((copied - $1)); fi
    dd "if=$from" "of=$device" bs=4M "skip=$1" "seek=$1" "count=$piece_done" conv=notrunc,fsync \
        iflag=direct,fullblock,skip_bytes,count_bytes oflag=direct,seek_bytes status=none
}

go_on piece 67108864 "$size"
