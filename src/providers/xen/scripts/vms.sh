# What Xen knows of every VM that is wanted or that a mark names, and the file that it is started with.
above=$path
while ! [ -d "$above" ]; do
    above=${above%/*}
    above=${above:-/}
done
[ -w "$above" ] || vbs_refuse "the guard and the marks of this hypervisor lie in $path, and this user may not write to" \
    "$above. Use become = \"sudo\" on the host"
running=$(timeout -k 5 60 xl list 2>&1 </dev/null) || vbs_refuse "xl cannot tell which VMs run here: $running"

# What is below a node of xenstore; nothing where there is none.
tree() {
    said=$(timeout -k 5 60 xenstore-ls -f "$1" 2>&1 </dev/null) || {
        case $said in *"No such file or directory"*) return 0 ;; esac
        vbs_refuse "xenstore cannot tell what is in $1: $said"
    }
    printf '%s\n' "$said"
}

see() {
    case $1 in '' | *[!A-Za-z0-9._+-]*) return 0 ;; esac
    case " $seen" in *" $1 "*) return 0 ;; esac
    seen="$seen$1 "
    domain=
    while read -r name number rest; do
        if [ "$name" = "$1" ]; then domain=$number; fi
    done <<end
$running
end
    printf 'vm\t%s\t%s\0' "$1" "$domain"
    if [ -n "$domain" ]; then
        disks=$(tree "/libxl/$domain/device/vbd")
        backends=$(tree "/local/domain/0/backend/vbd/$domain")
        printf 'disks\t%s\t%s\n%s\0' "$1" "$disks" "$backends"
    fi
    file=$configs/$1.cfg
    if [ -n "$configs" ] && [ -f "$file" ]; then
        [ -r "$file" ] || vbs_refuse "$file cannot be read"
        printf 'config\t%s\t' "$1"
        tr -d '\000' <"$file"
        printf '\0'
    fi
}

seen=
for vm in $vms; do see "$vm"; done
for each in "$store"/*.json; do
    first_line "$each"
    case $line in *\"body\":\{\"kind\":\"disk\",\"vm\":\"*) ;; *) continue ;; esac
    vm=${line#*\"body\":\{\"kind\":\"disk\",\"vm\":\"}
    see "${vm%%\"*}"
done
