# Where the names of devices lead, of those that there are. One process for all of them: -m says something of each, so that the
# answers stay beside the names.
show_names() {
    [ "$#" -gt 0 ] || return 0
    for kernel in $(readlink -m -- "$@"); do
        if [ -e "$1" ]; then printf 'name\t%s\t%s\0' "$1" "$kernel"; fi
        shift
    done
}
