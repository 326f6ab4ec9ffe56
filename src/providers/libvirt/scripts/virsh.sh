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

# Whether $1 is a line of $said.
listed() {
    [ -n "$1" ] || return 1
    case "
$said
" in *"
$1
"*) return 0 ;; esac
    return 1
}

# Whether VM $1 runs, into $runs, and whether it has a configuration, into $keeps.
state_of() {
    runs=
    keeps=
    get "list --name; echo $between; list --all --persistent --name" || return 1
    both=$said
    said=${both%%"$between"*}
    if listed "$1"; then runs=yes; fi
    said=${both#*"$between"}
    if listed "$1"; then keeps=yes; fi
}

# A line that is no VM's name: several questions cost one virsh.
between=-/-

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
