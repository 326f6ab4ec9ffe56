# Runs one verb of a template, between two looks. `before` and `after` say how many listed rows there are to be of what
# kind, as lines of a number and an expression for `grep -E`; the looks decide, not the command's exit status.
#
#   kind      make, change or remove, by one command; build or clear, by several, of which a killed frame may have run some;
#             tell, where a list does not show it
#   owner     tool: a row carries the mark itself; seat: the file of the mark and the name in it are the mark
#   commands  for each the number of its words, then a word a line; input: what each of them reads
#   lister    the command that lists; filter: how its output becomes rows; patience: seconds that it may take
#   grace     seconds for what it asked for to happen, where the tool only asks
#   first     what the mark's file is to say before the command runs; nothing where it stays as it is
#   last      what it is to say afterwards; nothing where it stays, - where it goes
#   cleanup   commands that remove what was built by half
#   counter   the command that lists targets with their numbers; counted: how its output becomes rows; ours, taken: how
#             `sed` prints the number of this one, and all of them
#   secrets   not empty where a secret comes on standard input

write_mark() { save_mark "$id" "{\"format\":1,\"lineage\":\"$vbs_lineage\",\"id\":\"$id\",$1"; }

no_mark() {
    rm -f -- "$store/$id.json.new" "$store/$id.json"
    vbs_sync "$store"
}

settle() {
    case $last in
        '') ;;
        -) no_mark ;;
        *)
            if [ "$rest_was" != "$last" ] || [ -n "$written" ]; then write_mark "$last"; fi
            vbs_sync "$store"
            ;;
    esac
}

begin() {
    [ -n "$first" ] || return 0
    write_mark "$first"
    vbs_sync "$store"
    written=yes
}

# The marks of what was under this name before and is not there any more say nothing that anybody needs.
forget_former() {
    for each in "$store"/*.json; do
        [ "$each" != "$store/$id.json" ] || continue
        first_line "$each"
        case $line in
            '{"format":1,"lineage":"'*'","id":"'*"\",\"name\":\"$name\","*) rm -f -- "$each" ;;
        esac
    done
}

tell_how_it_ended() {
    if [ "$said" -eq 0 ]; then told="$program said that all is well"; else told="$program ended with status $said"; fi
}

one_command() {
    if { [ "$owner" = tool ] || [ -n "$marked" ]; } && holds "$after"; then
        settle
        exit 0
    fi
    holds "$before" || vbs_refuse "what is listed is not what this was planned for: $(shown)"
    find_number vbs_refuse
    if [ -n "$first" ] && [ "$kind" = make ] && [ "$owner" = seat ]; then forget_former; fi
    begin
    run "$commands" stop
    look fail
    # A guest is asked to let go of a disk, and takes its time.
    while [ "$grace" -gt 0 ] && [ "$said" -eq 0 ] && ! holds "$after"; do
        sleep 1
        grace=$((grace - 1))
        look fail
    done
    if holds "$after"; then
        settle
        exit 0
    fi
    tell_how_it_ended
    holds "$before" || fail "$told, and what is listed is neither as before nor as it should be: $(shown)"
    if [ -n "$written" ]; then
        if [ -n "$marked" ]; then write_mark "$rest_was"; else no_mark; fi
    fi
    fail "$told, and what is listed is as before: $(shown)"
}

# Removes what was built by half, as far as there is anything.
clean_up() {
    kept_input=$input kept_said=$said kept_program=$program
    input=
    find_number fail
    run "$cleanup" all
    input=$kept_input said=$kept_said program=$kept_program
    look fail
}

take_back() {
    ended=$?
    trap - EXIT
    clean_up
    holds "$before" || fail "$name is made by half: $(shown)"
    no_mark
    exit "$((ended == 0 ? 1 : ended))"
}

build() {
    if [ -n "$marked" ] && [ "$rest_was" = "$last" ] && holds "$after"; then exit 0; fi
    if [ -n "$marked" ]; then
        said=0 program=
        kept_taken=$taken taken=
        clean_up
        taken=$kept_taken
        holds "$before" || fail "what is there of $name cannot be removed, to make it anew: $(shown)"
    else
        holds "$before" || vbs_refuse "it exists and is not ours: $(shown)"
    fi
    find_number vbs_refuse
    taken=
    said=0 program=
    trap take_back EXIT
    begin
    run "$commands" stop
    look fail
    tell_how_it_ended
    # One command alone may fail and have done it.
    if [ "$said" -ne 0 ] && [ -n "$many" ]; then fail "$told. What it had begun is taken back"; fi
    holds "$after" || fail "$told, and what is listed is not what it should be: $(shown)"
    settle
    trap - EXIT
}

clear() {
    is_done=
    if [ "$owner" = tool ] && holds "$after"; then exit 0; fi
    find_number vbs_refuse
    # What is whole is not taken apart where the first command, which takes it out of the list, has failed.
    if ! holds "$after"; then
        run "$commands" stop
        look fail
        tell_how_it_ended
        holds "$after" || fail "$told, and it is still listed: $(shown)"
        [ "$said" -ne 0 ] || is_done=yes
    fi
    [ -n "$is_done" ] || run "$commands" all
    settle
}

tell() {
    if [ "$rest_was" = "$last" ]; then exit 0; fi
    holds "$before" || vbs_refuse "what is listed is not what this was planned for: $(shown)"
    find_number vbs_refuse
    run "$commands" stop
    tell_how_it_ended
    [ "$said" -eq 0 ] || fail "$told"
    look fail
    holds "$after" || fail "$told, and what is listed is not what it should be: $(shown)"
    settle
}

same_store
read_mark "$id"
rest_was=$rest
written=
read_secret
if [ "$owner" = seat ] && [ -z "$marked" ]; then
    case $kind in
        make | build) ;;
        remove | clear) exit 0 ;;
        *) vbs_refuse "$id has no mark in $store, so nothing that is listed is known for ours" ;;
    esac
fi
look vbs_refuse
case $kind in
    build) build ;;
    clear) clear ;;
    tell) tell ;;
    *) one_command ;;
esac
