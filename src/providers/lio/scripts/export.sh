# Offers a device under a name of its own, to nobody yet. Accepts whatever of it is there already.
same_store
read_mark "$id"
[ -d "$root" ] || modprobe -a target_core_mod || vbs_stop 1 "the kernel has no target_core_mod"
if [ -d "$root/iscsi/$target" ] && [ -z "$marked" ]; then vbs_refuse "a target $target exists and is not ours"; fi
[ -b "$device" ] || vbs_refuse "$device is not there, or no block device"
save_seated
same_target

# A logical volume under the name that it keeps when it is renamed.
kernel=$(readlink -f -- "$device")
lasting=$device
if [ -r "/sys/class/block/${kernel##*/}/dm/uuid" ]; then
    read -r uuid <"/sys/class/block/${kernel##*/}/dm/uuid"
    if [ -e "/dev/disk/by-id/dm-uuid-$uuid" ]; then lasting=/dev/disk/by-id/dm-uuid-$uuid; fi
fi

find_backstore
# One that was being made knows no device, and is made anew.
if [ -n "$found" ] && ! grep -q ACTIVATED "$found/info"; then
    rmdir -- "$found"
    rmdir -- "${found%/*}" 2>/dev/null || :
    found=
fi
if [ -z "$found" ]; then
    [ -d "$root/core" ] || vbs_stop 1 "$root/core does not exist: is configfs mounted?"
    number=0
    while ! mkdir -- "$root/core/iblock_$number" 2>/dev/null; do
        number=$((number + 1))
        [ "$number" -lt 4096 ] || vbs_stop 1 "no directory could be made in $root/core"
    done
    found=$root/core/iblock_$number/$backstore
    trap 'rmdir -- "$found" 2>/dev/null || :; rmdir -- "${found%/*}" 2>/dev/null || :' EXIT
    mkdir -- "$found"
    printf 'udev_path=%s' "$lasting" >"$found/control"
    printf '%s' "$lasting" >"$found/udev_path"
    if [ "$access" = read_only ]; then printf 'readonly=1' >"$found/control"; fi
    # Before a LUN leads to it: afterwards the kernel refuses.
    printf '%s' "$serial" >"$found/wwn/vpd_unit_serial"
    printf 1 >"$found/enable" || vbs_stop 1 "the kernel does not take $lasting: something else has it open for itself"
    trap - EXIT
fi
# The kernel makes the directory of its iSCSI part by loading it.
[ -d "$root/iscsi" ] || mkdir -- "$root/iscsi"
for each in "$root/iscsi/$target" "$tpg"; do
    [ -d "$each" ] || mkdir -- "$each"
done
printf 0 >"$tpg/attrib/generate_node_acls"
printf 0 >"$tpg/attrib/cache_dynamic_acls"
printf 1 >"$tpg/attrib/demo_mode_write_protect"
printf '%s' "$authentication" >"$tpg/attrib/authentication"
if [ "$authentication" = 1 ]; then printf CHAP >"$tpg/param/AuthMethod"; else printf CHAP,None >"$tpg/param/AuthMethod"; fi
[ -d "$tpg/lun/lun_0" ] || mkdir -- "$tpg/lun/lun_0"
linked=
for each in "$tpg"/lun/lun_0/*; do
    if [ -L "$each" ]; then linked=yes; fi
done
[ -n "$linked" ] || ln -s "$found" "$tpg/lun/lun_0/vbs"
for each in $portals; do
    [ -d "$tpg/np/$each" ] || mkdir -- "$tpg/np/$each" || vbs_stop 1 "nobody can listen at $each: does this host have the address, and is the port free?"
done
# Enabling it again does nothing; disabling it would end every session.
printf 1 >"$tpg/enable"
save
