# QMP: QEMU speaks JSON, one line each way, with one client at a time. A conversation is shell text that `speak` runs with
# its standard input and output connected to QEMU; what it has to tell the frame it prints on descriptor 3. A command
# carries an id, by which its answer is told from events. Texts of JSON come from vbs whole and are never put together
# here from anything but names of ours.

# What the device of object $1 is called, into $device: a name that nobody else gives.
device_of() {
    device=vbs-
    for word in "${vbs_lineage-}" "$1"; do
        while :; do
            case $word in *-*) word=${word%%-*}${word#*-} ;; *) break ;; esac
        done
        device=$device$word-
    done
    device=${device%-}
    export device
}

# Where the socket of VM $1 is, into $where.
socket_of() { where=${socket%%"{vm}"*}$1${socket#*"{vm}"}; }

# Holds the conversation $1 for at most $2 seconds, and leaves what it told in $said: `busy` where somebody listens and says
# nothing, since another client may be connected; where there was no connection, why. $begun says
# whether anything was said to QEMU.
speak() {
    said=$(vbs_talk=$words$1 timeout --foreground "$2" socat -T "$2" "UNIX-CONNECT:$where" 'SYSTEM:eval \"\$vbs_talk\"' \
        3>&1 2>&1) || :
    begun=
    case $said in
        begun*)
            begun=yes
            said=${said#begun?}
            ;;
    esac
}

# Whether nobody listens, as the kernel says: anything else that goes wrong proves nothing.
is_off() {
    case $said in
        [0-9]*" socat["*" E connect("*": Connection refused" | [0-9]*" socat["*" E connect("*": No such file or directory") ;;
        *) return 1 ;;
    esac
}

# What QEMU says went wrong, out of $said, into $why.
reason() {
    why=${said#*\"desc\": \"}
    why=${why%%\"\}*}
}

words='
exec 2>/dev/null
n=0
gone=
refused=
tell() { printf "%s\n" "$*" >&3; }
end() { tell "$@"; exit 0; }
hear() {
    IFS= read -r answer || end lost
    case $answer in *\"event\":*\"device\":\ \"$device\"*)
        case $answer in
            *\"DEVICE_DELETED\"*) gone=yes ;;
            *\"DEVICE_UNPLUG_GUEST_ERROR\"*) refused=yes ;;
        esac ;;
    esac
}
ask() {
    n=$((n + 1))
    printf "%s\n" "{\"id\":\"vbs-$n\",${1#?}" || end lost
    hear
    while :; do
        case $answer in *\"id\":\ \"vbs-$n\"*) break ;; esac
        hear
    done
    case $answer in *\"error\":\ {*) return 1 ;; esac
}
must() { ask "$1" || end "no $answer"; }
IFS= read -r answer || end busy
greeting=$answer
tell begun
must "{\"execute\":\"qmp_capabilities\"}"
list() { must "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"$1\"}}"; }
'
