# Moves a logical volume into the trash: one rename. `mark` is what its tags are to say there; nothing where they stay.
# It is deactivated first, so that nobody opens it there; and LVM renames what is not active in a fraction of the time.

# Deactivates $1 in one command that looks and acts, if it is what was planned for and nothing hangs on it. Its device
# tells whether it did.
lay_down() {
    [ -e "/dev/$vg/$1" ] || return 1
    call lvchange -an "$vg" --select "lv_name=\"$1\" && vg_uuid=\"$group\" && lv_size=\"${size}b\" && lv_attr=~\"^[-V]\" &&
        lv_tags=\"vbs.lineage=$vbs_lineage\" && (lv_tags=\"vbs.volume=$id\" || lv_tags=\"vbs.snapshot=$id\")${pool:+ && pool_lv_uuid=\"$group_pool\"}"
    [ "$ended" -eq 0 ] && ! [ -e "/dev/$vg/$1" ]
}

same_group
if lay_down "$name"; then
    must lvrename "$vg" "$name" "$trashed"
    if [ -n "$mark" ]; then look "$trashed"; fi
else
    look "$name" "$trashed"
    if at "$trashed"; then
        is "$id" || vbs_refuse "$vg/$trashed exists and is not ours"
    else
        expect "$name" "$id" "$size"
        refuse_if_open "$name"
        # Deactivating a thick snapshot, or what has some, would take down the others.
        if [ -n "${attr##[os]*}" ] && [ -z "${attr##????a*}" ]; then must lvchange -an "$vg/$name"; fi
        must lvrename "$vg" "$name" "$trashed"
    fi
fi
if [ -n "$mark" ] && at "$trashed"; then retag "$trashed" "$mark"; fi
