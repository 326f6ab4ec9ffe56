# Which of $programs, one a line, this host has not, or has not as something that can be run.
while IFS= read -r program; do
    case $program in
        '') continue ;;
        */*) if [ -f "$program" ] && [ -x "$program" ]; then continue; fi ;;
        *) if command -v "$program" >/dev/null 2>&1; then continue; fi ;;
    esac
    printf '%s\n' "$program"
done <<end
$programs
end
