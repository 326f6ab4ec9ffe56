# For swap and swap_back. The volume's two contents change places by two renames, then their marks: where they are tells
# how far it came, so that running it again, and taking it back, go on from there. `uuid` is LVM's own of the logical volume
# with the former content: a copy that was taken back, and is kept because it may have been written to, has the name and the
# marks that the former content had in the trash.
waiting=vbs_stage.$trash
kept=vbs_trash.$trash

# Whether one of both is at $1; a stranger there is refused.
either() {
    at "$1" || return 1
    is "$id" || is "$trash" || vbs_refuse "$vg/$1 is neither the content of $id nor the copy that was made for it"
}

# Whether the former content is at $1.
former() { at "$1" && [ "$lv_uuid" = "$uuid" ]; }

# The volume's mark goes first: until the other one follows, both bear its id.
settle() {
    look "$name" "$1"
    at "$name" || vbs_stop 1 "$vg/$name is not there"
    retag "$name" "$mark"
    at "$1" || vbs_stop 1 "$vg/$1 is not there"
    retag "$1" "$former_mark"
}
