# Runs one command of a template, between two looks. `before` and `after` say how many listed rows there are to be of
# what kind, as lines of a number and an expression for `grep -E`; the looks decide, not the command's exit status.
#
#   kind     make, change or remove
#   owner    tool: a row carries the mark itself; seat: the file of the mark and the name in it are the mark
#   vector   the command, an argument a line
#   lister   the command that lists; filter: how its output becomes rows; patience: seconds that it may take
#   grace    seconds for what it asked for to happen, where the tool only asks
#   first    what the mark's file is to say before the command runs; nothing where it stays as it is
#   last     what it is to say afterwards; nothing where it stays, - where it goes

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# What cannot be read ends the frame: it is never taken for an absence.

# Every item of a JSON text as a line of its fields, set apart by tabs. Strings are kept as they are written.
as_lines() {
    vbs_filter=$filter awk '
        function opened(kind) { depth++; type[depth] = kind; key[depth] = kind == "[" ? "#" : ""; wants_key = kind == "{" }
        function place(upto,  k, path) {
            path = ""
            for (k = 1; k < upto; k++) path = path (k > 1 ? "." : "") key[k]
            return path
        }
        function scalar(text,  k, path) {
            if (!item) return
            path = key[item]
            for (k = item + 1; k <= depth; k++) path = path "." key[k]
            got[path] = text
        }
        BEGIN { count = split(ENVIRON["vbs_filter"], part, "\n"); depth = 0; item = 0; lists = 0; odd = 0 }
        { text = text $0 "\n" }
        END {
            size = length(text)
            at = 1
            while (at <= size) {
                c = substr(text, at, 1)
                if (c == "{") {
                    if (!item && depth && type[depth] == "[" && place(depth) == part[2]) {
                        item = depth + 1
                        split("", got)
                    }
                    opened("{")
                } else if (c == "[") {
                    opened("[")
                    if (!item && place(depth) == part[2]) lists++
                }
                else if (c == "}" || c == "]") {
                    if (item && depth == item) {
                        line = ""
                        for (k = 3; k < count; k++) line = line (k > 3 ? "\t" : "") got[part[k]]
                        print line
                        item = 0
                    }
                    if (--depth < 0) odd = 1
                    wants_key = 0
                } else if (c == ",") wants_key = (type[depth] == "{")
                else if (c == "\"") {
                    from = ++at
                    while (at <= size && (d = substr(text, at, 1)) != "\"") at += (d == "\\") ? 2 : 1
                    word = substr(text, from, at - from)
                    if (wants_key) { key[depth] = word; wants_key = 0 } else scalar(word)
                } else if (c ~ /[-+0-9a-zA-Z]/) {
                    from = at
                    while (at <= size && substr(text, at, 1) ~ /[-+.0-9a-zA-Z]/) at++
                    word = substr(text, from, at - from)
                    if (word != "null") scalar(word)
                    at--
                } else if (c !~ /[ \t\r\n:]/) odd = 1
                at++
            }
            if (odd || depth || lists != 1) exit 3
        }'
}

# What is listed now, into $rows. $1 ends the frame where that cannot be told.
look() {
    told=0
    rows=$(
        rest=$lister
        listed
    ) || told=$?
    [ "$told" -eq 0 ] || "$1" "what there is cannot be told: the command of \`list\` ended with status $told"
    case $filter in
        json*)
            rows=$(printf '%s\n' "$rows" | as_lines) || "$1" "what there is cannot be told: the list is not the JSON it should be"
            ;;
        *)
            ours=${filter#*"$nl"}
            others=${ours#*"$nl"}
            strange=$(printf '%s\n' "$rows" | grep -vE -e "${ours%%"$nl"*}" | grep -vE -e "${others%%"$nl"*}" | head -n 1) || :
            [ -z "$strange" ] || "$1" "what there is cannot be told: the list holds the line $strange"
            ;;
    esac
}

# Whether what is listed fulfils every line of $1.
holds() {
    rest=$1
    while [ -n "$rest" ]; do
        line=${rest%%"$nl"*}
        rest=${rest#*"$nl"}
        found=$(printf '%s\n' "$rows" | grep -cE -e "${line#* }") || :
        [ "$found" = "${line%% *}" ] || return 1
    done
}

# What is listed under the name, for messages.
shown() {
    named=$(printf '%s\n' "$rows" | grep -F -e "${name##*/}" | head -n 3) || :
    printf '%s' "${named:-nothing that is called $name}"
}

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

same_store
read_mark "$id"
rest_was=$rest
written=
if [ "$owner" = seat ] && [ -z "$marked" ]; then
    case $kind in
        make) ;;
        remove) exit 0 ;;
        *) vbs_refuse "$id has no mark in $store, so nothing that is listed is known for ours" ;;
    esac
fi
look vbs_refuse
if { [ "$owner" = tool ] || [ -n "$marked" ]; } && holds "$after"; then
    settle
    exit 0
fi
holds "$before" || vbs_refuse "what is listed is not what this was planned for: $(shown)"
if [ -n "$first" ]; then
    if [ "$kind" = make ] && [ "$owner" = seat ]; then forget_former; fi
    write_mark "$first"
    vbs_sync "$store"
    written=yes
fi
rest=$vector
set --
while [ -n "$rest" ]; do
    set -- "$@" "${rest%%"$nl"*}"
    rest=${rest#*"$nl"}
done
said=0
"$@" </dev/null >&2 || said=$?
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
if [ "$said" -eq 0 ]; then told="$1 said that all is well"; else told="$1 ended with status $said"; fi
holds "$before" || fail "$told, and what is listed is neither as before nor as it should be: $(shown)"
if [ -n "$written" ]; then
    if [ -n "$marked" ]; then write_mark "$rest_was"; else no_mark; fi
fi
fail "$told, and what is listed is as before: $(shown)"
