# One disk of one guest: what xenstore says of it, and its line in the guest's file. `number` is what xenstore calls the
# device, `target` its path in dom0, `entry` the line of it, `configs` where files of guests lie, or nothing.

# The number of the running guest into $domain; nothing where it does not run. Fails where that cannot be told.
find_vm() {
    domain=
    said=$(timeout -k 5 60 xl domid "$vm" 2>&1 </dev/null) || {
        case $said in *"domain does not exist"*) return 0 ;; esac
        why=${said:-xl did not answer}
        return 1
    }
    case $said in
        '' | *[!0-9]*)
            why="xl says that $vm is $said"
            return 1
            ;;
    esac
    domain=$said
}

# One value of xenstore, into $value; nothing where there is none. Fails where that cannot be told.
value_of() {
    value=
    said=$(timeout -k 5 60 xenstore-read "$1" 2>&1 </dev/null) || {
        case $said in *"couldn't read path"*) return 0 ;; esac
        why=${said:-xenstore did not answer}
        return 1
    }
    value=$said
}

# What the running guest has under the device: its path into $there, and into $hotplug how far dom0 is with it.
look_live() {
    there=
    hotplug=
    [ -n "$domain" ] || return 0
    value_of "/libxl/$domain/device/vbd/$number/params" || return 1
    there=$value
    [ -n "$there" ] || return 0
    value_of "/local/domain/0/backend/vbd/$domain/$number/hotplug-status" || return 1
    hotplug=$value
}

# Whether the guest's file holds the line, into $kept: `yes`, `other` for a line of ours that says something else. $taken
# is a line of somebody else's for the device.
look_config() {
    config=
    kept=
    taken=
    [ -n "$configs" ] || return 0
    file=$configs/$vm.cfg
    [ -e "$file" ] || [ -L "$file" ] || return 0
    if [ -L "$file" ] || ! [ -f "$file" ]; then
        why="$file is no plain file"
        return 1
    fi
    # What a killed frame left of a new one goes: the guard is held, so nobody is writing it.
    if [ -e "$file.vbs-new" ]; then rm -f -- "$file.vbs-new"; fi
    config=yes
    mine="# vbs:$vbs_lineage:$id"
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in
            "$entry") kept=yes ;;
            *"$mine") kept=${kept:-other} ;;
            *"vdev=$device,"* | *",$device,"*) case $line in '#'*) ;; *) taken=$line ;; esac ;;
        esac
    done <"$file"
}

# Makes the guest's file hold the line $1 of ours and no other. It is replaced whole or not at all, and keeps its owner.
write_config() {
    {
        rm -f -- "$file.vbs-new" &&
            cp -p -- "$file" "$file.vbs-new" &&
            {
                while IFS= read -r line || [ -n "$line" ]; do
                    case $line in *"$mine") ;; *) printf '%s\n' "$line" ;; esac
                done <"$file"
                [ -z "$1" ] || printf '%s\n' "$1"
            } >"$file.vbs-new" &&
            vbs_sync "$file.vbs-new" &&
            mv -fT -- "$file.vbs-new" "$file" &&
            vbs_sync "$configs"
    } || {
        rm -f -- "$file.vbs-new"
        why="$file could not be written"
        return 1
    }
}
