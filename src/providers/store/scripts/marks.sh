# How every survey ends: the names of all marks, then their contents, as many as there are in a few processes.
if [ -d "$store" ]; then
    find "$store" -mindepth 1 -maxdepth 1 -name '*.json' ! -name "$card" -printf 'mark\t%f\0'
fi
printf 'contents\0'
if [ -d "$store" ]; then
    # A mark that cannot be read is missed among the names, so the status says nothing new.
    find "$store" -mindepth 1 -maxdepth 1 -type f -name '*.json' ! -name "$card" -exec cat {} + || :
fi
