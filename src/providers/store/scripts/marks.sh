# How every survey ends: the names of all marks, then their contents, as many as there are in a few processes.
named() { find "$store" -mindepth 1 -maxdepth 1 -name '*.json' ! -name "$card" -printf "$1"; }
names= files=
if [ -d "$store" ]; then names=$(named '%y%f\n'); fi
set -f
IFS='
'
for each in $names; do
    printf 'mark\t%s\0' "${each#?}"
    case $each in f*) files="$files${each#?}
" ;; esac
done
unset IFS
set +f
printf 'contents\0'
if [ -n "$files" ]; then
    # One that cannot be read is missed among the names, unless another workspace took it away meanwhile: `still` tells.
    printf '%s' "$files" | (cd "$store" && xargs -d '\n' cat --) || {
        printf '\0still\0'
        named '%f\0'
    }
fi
