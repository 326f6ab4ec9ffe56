# Leaves the volume group: this lineage's epoch goes, and with the last lineage the guard.

# Directories that nothing is in any more, up from the guard.
leave_empty() {
    each=$vbs_guard
    while [ "$each" != /var/lib ]; do
        rmdir -- "$each" 2>/dev/null || ! [ -d "$each" ] || break
        each=${each%/*}
    done
}

if ! [ -d "$vbs_guard" ]; then
    leave_empty
    exit 0
fi
vbs_enter "$vbs_guard" joining
# Where this lineage never was, or was killed before it left its epoch, there is nothing of it to be in use.
if [ -n "$vbs_found" ]; then
    noted= group= group_pool=
    if [ -f "$vbs_guard/vg" ]; then read -r noted group group_pool <"$vbs_guard/vg" || :; fi
    [ -z "$noted" ] || [ "$noted" = "$identity" ] || vbs_gone "$vbs_guard/vg says that $vg is another one: $noted"
    call lvs -a --noheadings --separator ' ' -o lv_name,pool_lv_uuid -S "vg_uuid=\"$group\" && lv_tags=\"vbs.lineage=$vbs_lineage\""
    [ "$ended" -eq 0 ] || vbs_stop "$ended" "$said"
    IFS=$line_end
    for row in $said; do
        unset IFS
        set -- $row
        [ "${2--}" != "$group_pool" ] || vbs_refuse "$vg/$1 is still there: $vg is in use by this lineage"
    done
    unset IFS
fi
set +f
rm -f -- "$vbs_guard/epoch.$vbs_lineage" "$vbs_guard/epoch.$vbs_lineage.new" "$vbs_guard"/*."$vbs_lineage".*
others=
for each in "$vbs_guard"/epoch.*; do if [ -e "$each" ]; then others=yes; fi; done
if [ -z "$others" ]; then
    rm -f -- "$vbs_guard/vg" "$vbs_guard/vg.new" "$vbs_guard/guard"
    leave_empty
else
    vbs_sync "$vbs_guard"
fi
