# Puts right what somebody changed of an export: who is let in besides, and under which name the device is known.
same_store
read_mark "$id"
[ -n "$marked" ] || vbs_refuse "the export has no mark"
same_target
find_backstore
[ -n "$found" ] || vbs_refuse "the backstore of $target is gone"
IFS= read -r lasting <"$found/udev_path" || :
[ "$(readlink -f -- "$device")" = "$(readlink -f -- "$lasting")" ] || vbs_refuse "$device is not what $target serves ($lasting)"
printf 0 >"$tpg/attrib/generate_node_acls"
printf 1 >"$tpg/attrib/demo_mode_write_protect"
printf '%s' "$authentication" >"$tpg/attrib/authentication"
for each in $others; do
    if [ "$each" != any ]; then shut_out "$each"; fi
done
printf 1 >"$tpg/enable"
save_seated
save
