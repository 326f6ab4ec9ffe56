# Every target that a mark of ours names, as the kernel has it, and what is saved of it.
root=/sys/kernel/config/target
value() {
    line=
    if [ -r "$1" ]; then IFS= read -r line <"$1" || :; fi
}
devices=
if [ -d "$store" ]; then
    value "$store/saved.path"
    # Whatever is named in the file, each in a line.
    saved=$(grep -so '"\(node_\)\?wwn": "[^"]*"' "$line") || saved=
    marked=$(sed -n 's/.*"body":{"kind":"export".*"target":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null) || marked=
    for target in $marked; do
        tpg=$root/iscsi/$target/tpgt_1
        [ -d "$tpg" ] || continue
        value "$tpg/enable" && enabled=$line
        value "$tpg/attrib/generate_node_acls" && everybody=$line
        value "$tpg/attrib/authentication" && authentication=$line
        printf 'target\t%s\t%s\t%s\t%s\0' "$target" "$enabled" "$everybody" "$authentication"
        for each in "$tpg"/np/*; do
            if [ -d "$each" ]; then printf 'portal\t%s\t%s\0' "$target" "${each##*/}"; fi
        done
        for each in "$tpg"/lun/lun_*/*; do
            [ -L "$each" ] || continue
            backstore=$(cd -P -- "$each" && pwd -P) || continue
            value "$backstore/udev_path" && device=$line
            value "$backstore/wwn/vpd_unit_serial" && serial=${line#*: }
            devices="$devices $device"
            printf 'lun\t%s\t%s\t%s\t%s\0' "$target" "${backstore##*/}" "$device" "$serial"
        done
        for each in "$tpg"/acls/*; do
            [ -d "$each" ] || continue
            for name in userid password userid_mutual password_mutual; do
                value "$each/auth/$name"
                if [ "$line" = NULL ]; then line=; fi
                case $name in
                    userid) user=$line ;;
                    password) secret=$line ;;
                    userid_mutual) mutual_user=$line ;;
                    password_mutual) mutual_secret=$line ;;
                esac
            done
            take_fingerprint "$target" "$user" "$secret"
            print=$fingerprint
            take_fingerprint "$target" "$mutual_user" "$mutual_secret"
            mutual_print=$fingerprint
            value "$each/info" && connected=yes
            case $line in '' | 'No active iSCSI Session'*) connected= ;; esac
            protect=none
            for lun in "$each"/lun_*; do
                if [ -d "$lun" ]; then value "$lun/write_protect" && protect=$line; fi
            done
            secret= mutual_secret=
            in_file=
            case $saved in *"\"node_wwn\": \"${each##*/}\""*) in_file=yes ;; esac
            printf 'acl\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\0' "$target" "${each##*/}" "$protect" "$user" "$print" \
                "$mutual_user" "$mutual_print" "$connected" "$in_file"
        done
        case $saved in *"\"wwn\": \"$target\""*) printf 'saved\t%s\0' "$target" ;; esac
    done
    show_names $devices $(sed -n 's/.*"body":{"kind":"export".*"device":"\([^"]*\)".*/\1/p' "$store"/*.json 2>/dev/null | sort -u)
fi
