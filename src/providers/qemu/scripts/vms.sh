# What every VM says of itself that is wanted or that a mark names: one conversation each.
above=$path
while ! [ -d "$above" ]; do
    above=${above%/*}
    above=${above:-/}
done
[ -w "$above" ] || vbs_refuse "the guard and the marks of this hypervisor lie in $path, and this user may not write to" \
    "$above. Use become = \"sudo\" on the host, or let root make $path and give it to this user"

look='
tell "version	$greeting"
must "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine\",\"property\":\"type\"}}"
tell "machine	$answer"
list /machine/peripheral
there=$answer
tell "devices	$answer"
while :; do
    case $there in *\}*) ;; *) break ;; esac
    each=${there%%\}*}
    there=${there#*\}}
    name=${each#*"\"name\": \""}
    name=${name%%\"*}
    case $name in *[!A-Za-z0-9._-]*) continue ;; esac
    case $each in
        *"\"name\": \"vbs-"*)
            ask "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/machine/peripheral/$name\",\"property\":\"serial\"}}" ||
                continue
            tell "serial $name	$answer" ;;
        *"\"type\": \"child<pcie-root-port"*)
            ask "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine/peripheral/$name/$name\"}}" || continue
            tell "port $name	$answer" ;;
    esac
done
list /machine/peripheral-anon
tell "anonymous	$answer"
list /objects
tell "objects	$answer"
must "{\"execute\":\"query-named-block-nodes\",\"arguments\":{\"flat\":true}}"
tell "nodes	$answer"
end ok'

see() {
    case $1 in '' | *[!A-Za-z0-9._+-]*) return 0 ;; esac
    case " $seen" in *" $1 "*) return 0 ;; esac
    seen="$seen$1 "
    socket_of "$1"
    speak "$look" 10
    if is_off; then said=off; fi
    printf 'vm\t%s\t%s\0' "$1" "$said"
}

seen=
for vm in $vms; do see "$vm"; done
for each in "$store"/*.json; do
    first_line "$each"
    case $line in *\"body\":\{\"kind\":\"disk\",\"vm\":\"*) ;; *) continue ;; esac
    vm=${line#*\"body\":\{\"kind\":\"disk\",\"vm\":\"}
    see "${vm%%\"*}"
done
for each in "$store"/*.way; do
    if exists "$each"; then printf 'way\t%s\0' "${each##*/}"; fi
done
