# Offers a device under a name of its own, to nobody yet. Accepts whatever of it is there already.
same_store
read_mark "$id"
[ -d "$root" ] || modprobe -a target_core_mod || vbs_stop 1 "the kernel has no target_core_mod"
if [ -d "$root/iscsi/$target" ] && [ -z "$marked" ]; then vbs_refuse "a target $target exists and is not ours"; fi
[ -b "$device" ] || vbs_refuse "$device is not there, or no block device"
same_target

the_mark
# Each attribute is set anew, whoever changed it.
if [ "$authentication" = 1 ]; then method=CHAP; else method=CHAP,None; fi
set -- mark "$store/$id.json" backstore "$device" "$access" "$serial" directory "$root/iscsi" directory "$root/iscsi/$target" directory "$tpg" \
    value "$tpg/attrib/generate_node_acls" 0 value "$tpg/attrib/cache_dynamic_acls" 0 \
    value "$tpg/attrib/demo_mode_write_protect" 1 value "$tpg/attrib/authentication" "$authentication" \
    value "$tpg/param/AuthMethod" "$method" directory "$tpg/lun/lun_0" lun "$tpg/lun/lun_0"
for each in $portals; do set -- "$@" portal "$tpg/np/$each"; done
# Enabling it again does nothing; disabling it would end every session.
arrange "$@" value "$tpg/enable" 1
