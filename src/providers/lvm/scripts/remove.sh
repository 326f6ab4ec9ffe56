# Removes logical volumes for good, as many as there are in `names`: VG/NAME lines, where NAME ends in the id. They may
# lie in the trash or have been wiped, whatever the names say: an earlier run may have come half-way. A snapshot goes
# before its origin, which is never removed with snapshots that nobody spoke of.
same_group
unset IFS
set --
IFS=$line_end
for each in $names; do set -- "$@" "vbs_trash.${each##*.}" "vbs_wiped.${each##*.}"; done
unset IFS
look "$@"
patience=10
while :; do
    first= origins= used= files=
    IFS=$line_end
    for row in $rows; do
        unset IFS
        take "$row" || continue
        is "${lv#*.}" || vbs_refuse "$vg/$lv is not the logical volume that was made as ${lv#*.}"
        if [ "$open" = open ]; then used="$used $vg/$lv"; fi
        if has_role thickorigin; then origins="$origins $lv"; else first="$first $lv"; fi
    done
    unset IFS
    [ -n "$used" ] || break
    patience=$((patience - 1))
    [ "$patience" -gt 0 ] || vbs_refuse "open:$used: stop what uses it first"
    sleep 0.5
    look "$@"
done
if [ -n "$first" ]; then remove $first; fi
if [ -n "$origins" ]; then
    look $origins
    IFS=$line_end
    for row in $rows; do
        unset IFS
        take "$row" || continue
        if has_role thickorigin; then vbs_refuse "$vg/$lv still has snapshots: destroy them first"; fi
    done
    unset IFS
    remove $origins
fi
for each; do files="$files $vbs_lineage.${each#*.}"; done
set --
for each in $files; do
    set -- "$@" "$vbs_guard/made.$each" "$vbs_guard/progress.$each" "$vbs_guard/object.$each"
done
rm -f -- "$@"
