# What every provider needs. A program that lacks what is needed is as good as missing: the flock of busybox has no -E
# and says no version; a sync without file names writes everything that is dirty. Both are asked in one subshell.
said=$(flock --version 2>/dev/null || echo; sync --help 2>&1 || :)
printf 'flock %s\n' "${said%%
*}"
case $said in
    *--data* | *'[-df]'*) printf 'sync present\n' ;;
    *) printf 'sync\n' ;;
esac
if command -v timeout >/dev/null; then printf 'timeout present\n'; else printf 'timeout\n'; fi
