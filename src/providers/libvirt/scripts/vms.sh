# What libvirt knows of every VM that is wanted or that a mark names, and of the secrets of network disks.
above=$path
while ! [ -d "$above" ]; do
    above=${above%/*}
    above=${above:-/}
done
[ -w "$above" ] || vbs_refuse "the guard and the marks of this hypervisor lie in $path, and this user may not write to" \
    "$above. Use become = \"sudo\" on the host, or let root make $path and give it to this user"
# As many questions as there can be to one virsh: starting it costs more than what it is asked.
secrets=
if ask_together "list --name; echo $apart; list --all --persistent --name; echo $apart; secret-list"; then
    running=$first configured=$second
    secrets=yes keys=$third
else
    get list --name || vbs_refuse "libvirt cannot be asked at $uri: $why"
    running=$said
    get list --all --persistent --name || vbs_refuse "libvirt cannot be asked at $uri: $why"
    configured=$said
    # A libvirt without secrets has none of ours.
    if get secret-list; then secrets=yes keys=$said; fi
fi

# Prints record $1 of VM $2: what the rest of the arguments show.
show() {
    record=$1
    of=$2
    shift 2
    get "$@" || {
        # It may have ended since it was listed.
        case $why in *"omain not found"* | *"not running"*) return 0 ;; esac
        vbs_refuse "VM $of cannot be looked at: $why"
    }
    printf '%s\t%s\t%s\0' "$record" "$of" "$said"
}

see() {
    case $1 in '' | *[!A-Za-z0-9._+-]*) return 0 ;; esac
    case " $seen" in *" $1 "*) return 0 ;; esac
    seen="$seen$1 "
    printf 'vm\t%s\t\0' "$1"
    runs= keeps=
    if listed "$1" "$running"; then runs=yes; fi
    if listed "$1" "$configured"; then keeps=yes; fi
    if [ -n "$runs$keeps" ] &&
        ask_together "dumpxml --domain $1; echo $apart; domstats --block --domain $1; echo $apart; dumpxml --inactive --domain $1" &&
        are_descriptions "$first" "$third"; then
        if [ -n "$runs" ]; then
            printf 'live\t%s\t%s\0' "$1" "$first"
            hear "$1" "$first"
            printf 'sizes\t%s\t%s\0' "$1" "$second"
        fi
        if [ -n "$keeps" ]; then printf 'config\t%s\t%s\0' "$1" "$third"; fi
        return 0
    fi
    if [ -n "$runs" ]; then
        show live "$1" dumpxml --domain "$1"
        hear "$1" "$said"
        show sizes "$1" domstats --block --domain "$1"
    fi
    if [ -n "$keeps" ]; then show config "$1" dumpxml --inactive --domain "$1"; fi
}

# Whether the agent of a guest whose description has one answers, and what.
hear() {
    case $2 in *"name='org.qemu.guest_agent.0'"*)
        heard=$(ask qemu-agent-command --domain "$1" --timeout 5 '{"execute":"guest-fsfreeze-status"}' 2>/dev/null </dev/null) ||
            heard=
        printf 'agent\t%s\t%s\0' "$1" "$heard" ;;
    esac
}

seen=
for vm in $vms; do see "$vm"; done
any=
for each in "$store"/*.json; do
    first_line "$each"
    case $line in *\"body\":\{\"kind\":\"disk\",\"vm\":\"*) ;; *) continue ;; esac
    vm=${line#*\"body\":\{\"kind\":\"disk\",\"vm\":\"}
    see "${vm%%\"*}"
    case $line in *\"network\":\{\"target\":\"*\"login\":\{\"user\":\"*) any=yes ;; esac
done
for each in "$store"/*.way; do
    if exists "$each"; then printf 'way\t%s\0' "${each##*/}"; fi
done

for each in "$store"/*.frozen; do
    if exists "$each"; then printf 'frozen\t%s\0' "${each##*/}"; fi
done

if [ -n "$secrets" ]; then
    printf 'secrets\t%s\0' "$keys"
    for each in "$store"/*.json; do
        [ -n "$any" ] || break
        first_line "$each"
        case $line in *\"network\":\{\"target\":\"*\"login\":\{\"user\":\"*) ;; *) continue ;; esac
        id=${each##*/}
        id=${id%.json}
        case $keys in *"$id"*) ;; *) continue ;; esac
        target=${line#*\"network\":\{\"target\":\"}
        user=${target#*\"login\":\{\"user\":\"}
        target=${target%%\"*}
        user=${user%%\"*}
        get secret-get-value --secret "$id" --plain || continue
        print=$(printf '%s %s %s' "$target" "$user" "$said" | sha256sum)
        printf 'print\t%s %.16s\0' "$id" "$print"
    done
elif [ -n "$any" ]; then
    get secret-list || :
    vbs_refuse "libvirt at $uri cannot be asked for the secrets of disks: $why"
fi
