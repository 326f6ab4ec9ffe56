# virsh, whose texts come from vbs whole and are never put together here. What it shows is XML of libvirt's own making, in
# which one thing alone is looked for: the alias of a disk of ours, a name that nobody else gives.

# Runs virsh; what runs longer has been asked all the same, and only a look can tell what came of it.
ask() { timeout --foreground 60 virsh -q -c "$uri" "$@"; }

# What virsh says went wrong, out of $1, into $why.
reason() {
    why=${1##*error: }
    [ -n "$why" ] || why="virsh said nothing"
}

# Runs a virsh command that changes nothing for what it prints, into $said; where it fails, why, into $why.
get() {
    said=$(ask "$@" 2>/dev/null </dev/null) && return 0
    reason "$(ask "$@" 2>&1 >/dev/null </dev/null || :)"
    return 1
}

# Whether $1 is a line of $2.
listed() {
    [ -n "$1" ] || return 1
    case "
$2
" in *"
$1
"*) return 0 ;; esac
    return 1
}

# What neither XML nor a name holds: the ASCII character that separates units.
apart=$(printf '\037')

# Asks one virsh several questions, with $apart echoed in between, for $first, $second and $third. virsh goes on behind a question
# that failed, and ends with the status of the last one: so whatever it calls an error says that nothing is known.
ask_together() {
    said=$(ask "$1" 2>&1 </dev/null) || return 1
    case $said in *'error: '*) return 1 ;; esac
    # Split, and not cut: for cutting off a beginning dash takes the square of its length.
    set -f
    IFS=$apart
    set -- $said
    unset IFS
    set +f
    first=${1-} second=${2-} third=${3-}
}

# Whether both descriptions of a VM are whole.
are_descriptions() {
    case $1 in "<domain "*"</domain>"*) ;; *) return 1 ;; esac
    case $2 in *"<domain "*"</domain>"*) return 0 ;; esac
    return 1
}

# Whether VM $1 runs, into $runs, and whether it has a configuration, into $keeps.
state_of() {
    runs= keeps=
    get list --name || return 1
    if listed "$1" "$said"; then runs=yes; fi
    get list --all --persistent --name || return 1
    if listed "$1" "$said"; then keeps=yes; fi
}

# What the disk of object $1 is called, into $alias.
alias_of() {
    alias=ua-vbs-
    for word in "${vbs_lineage-}" "$1"; do
        while :; do
            case $word in *-*) word=${word%%-*}${word#*-} ;; *) break ;; esac
        done
        alias=$alias$word-
    done
    alias=${alias%-}
}

# Whether the disk is in VM $vm: as it runs, or with --inactive as it is configured. Its description, from its beginning to
# the alias, is left in $described. Status 2 and $why where that cannot be told.
has() {
    get dumpxml --domain "$vm" "$@" || return 2
    case $said in *"<alias name='$alias'/>"*) ;; *) return 1 ;; esac
    described=${said%%"<alias name='$alias'/>"*}
    described="<disk ${described##*"<disk "}"
}

# Whether the running VM has the disk, into $there. Of a VM that is off virsh would show its configuration.
look_live() {
    there=
    if [ -n "$runs" ]; then
        found=0
        has || found=$?
        case $found in 0) there=yes ;; 2) return 1 ;; esac
    fi
}

# Whether its configuration has the disk, into $kept.
look_config() {
    kept=
    if [ -n "$keeps" ]; then
        found=0
        has --inactive || found=$?
        case $found in 0) kept=yes ;; 2) return 1 ;; esac
    fi
}

# What VM $vm is, into $runs and $keeps, and whether it has the disk, into $there and $kept: by one virsh where the VM exists,
# for starting it costs more than what it is asked. Running VMs alone have an id.
look() {
    case $vm in
        *[!A-Za-z0-9._+-]*) ;;
        *)
            if ask_together "dumpxml --domain $vm; echo $apart; list --all --persistent --name; echo $apart; dumpxml --inactive --domain $vm"; then
                look_at_parts && return 0
            fi
            ;;
    esac
    state_of "$vm" && look_live && look_config
}

look_at_parts() {
    are_descriptions "$first" "$third" || return 1
    runs= keeps= there= kept=
    case ${first%%>*} in *" id='"*) runs=yes ;; esac
    if listed "$vm" "$second"; then keeps=yes; fi
    case $runs/$first in yes/*"<alias name='$alias'/>"*) there=yes ;; esac
    case $keeps/$third in yes/*"<alias name='$alias'/>"*) kept=yes ;; esac
    # What virsh said nothing of is asked for by itself.
    [ -n "$runs$keeps" ]
}
