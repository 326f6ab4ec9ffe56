# Takes a volume group, or a thin pool in it, into use: makes the guard, leaves this lineage's epoch, and writes down which
# one it is.
if [ -n "$pool" ]; then
    call lvs --noheadings --separator '|' -o vg_uuid,lv_uuid,lv_layout "$vg/$pool"
else
    call vgs --noheadings --separator '|' -o vg_uuid,vg_name "$vg"
fi
[ "$ended" -eq 0 ] || vbs_gone "$said"
# LVM may have warned of something, before or after.
line=
IFS=$line_end
for row in $said; do
    IFS='|'
    set -- $row
    unset IFS
    case $pool:${3-}:${2-} in
        "::$vg") line="$identity ${1##* } -" ;;
        ?*:*thin,pool*:?*) line="$identity ${1##* } $2" ;;
    esac
done
unset IFS
[ -n "$line" ] || vbs_gone "$vg${pool:+/$pool} is not what it is to be: $said"
# A directory above may go away under it while another pool of the host is left.
mkdir -p -- "$vbs_guard" || mkdir -p -- "$vbs_guard"
vbs_enter "$vbs_guard" joining
vbs_write_epoch "$vbs_guard"
noted=
if [ -f "$vbs_guard/vg" ]; then IFS= read -r noted <"$vbs_guard/vg" || :; fi
if [ "$noted" != "$line" ]; then
    printf '%s\n' "$line" >"$vbs_guard/vg.new"
    vbs_sync "$vbs_guard/vg.new"
    mv -fT -- "$vbs_guard/vg.new" "$vbs_guard/vg"
fi
vbs_sync "$vbs_guard" "${vbs_guard%/*}" "${vbs_guard%/*/*}" "${vbs_guard%/*/*/*}"
