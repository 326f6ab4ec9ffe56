# Leaves the volume group: this lineage's epoch goes, and with the last lineage the guard.
[ -d "$vbs_guard" ] || exit 0
vbs_enter "$vbs_guard" joining
[ -n "$vbs_found" ] || exit 0
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
set +f
rm -f -- "$vbs_guard/epoch.$vbs_lineage" "$vbs_guard/epoch.$vbs_lineage.new" "$vbs_guard"/*."$vbs_lineage".*
others=
for each in "$vbs_guard"/epoch.*; do if [ -e "$each" ]; then others=yes; fi; done
if [ -z "$others" ]; then
    rm -f -- "$vbs_guard/vg" "$vbs_guard/vg.new" "$vbs_guard/guard"
    for each in "$vbs_guard" "${vbs_guard%/*}" "${vbs_guard%/*/*}" "${vbs_guard%/*/*/*}" "${vbs_guard%/*/*/*/*}"; do
        rmdir --ignore-fail-on-non-empty -- "$each" 2>/dev/null || ! [ -d "$each" ] || break
    done
else
    vbs_sync "$vbs_guard"
fi
